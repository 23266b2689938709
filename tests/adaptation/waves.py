"""A specialist of two kinds of waves that is made in a second, a patient whose waves differ, and a plan for both."""

import numpy as np

from auricle.adaptation import Plan
from auricle.network import Architecture
from auricle.signals import Preprocessing
from auricle.specialist import Specialist
from auricle.specialist.windows import KeptWindows
from auricle.training import TrainingSettings

TIME = 64
SHAPE = Architecture(stem_stride=4, kernels=(3,), blocks=1, modules=1, heads=8)
WINDOWS = Preprocessing(fs=64.0, window=1.0, hop=1.0, longest=1.0, shortest=0.5, highpass=None, scaling="none")


def waves(n, seed, shift=0.0):
    """Two classes: a slow and a fast wave; `shift` turns a patient's fast ones towards the slow."""
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random(n) < 0.5, "N", "V")
    rates = np.where(labels == "N", 2.0, 8.0 - shift)
    at = np.arange(TIME) / TIME
    x = np.sin(2 * np.pi * (rates[:, None] * at + rng.random((n, 1)))) + rng.normal(0, 0.3, (n, TIME))
    return x[:, None].astype(np.float32), labels


def save_specialist(path):
    made = Specialist(architecture=SHAPE, preprocessing=WINDOWS, training=TrainingSettings(epochs=6, batch=16))
    made.fit(*waves(240, 1))
    made.calibrate(*waves(200, 2))
    x, y = waves(160, 3)
    groups = np.repeat(np.arange(4), 40)
    made.windows_ = {
        "reference": KeptWindows(samples=x.astype(np.float16).astype(np.float32), labels=y, groups=groups),
        "rehearsal": KeptWindows(samples=x[:40], labels=y[:40], groups=groups[:40]),
    }
    made.save(path, name="waves")
    return path


def plan(**description):
    return Plan.from_dict(
        {
            "description": {"most_steps": 30, "lr": 3e-3, "batch": 16, **description},
            "protocol": {"minutes": 5.0, "gap": 1.0},
            "assessment": {"macro_f1_margin": 0.3, "sensitivity_margin": 0.4},
        }
    )


def patient_windows(n=240, shift=3.0, seed=5):
    x, y = waves(n, seed, shift)
    return x, y, np.linspace(0.0, 299.0, n)
