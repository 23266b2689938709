"""A specialist of simulated beats that is made in seconds, its recordings, and a plan that accepts it."""

from pathlib import Path

import numpy as np

from auricle import Recording
from auricle.network import Architecture
from auricle.signals import Annotation, Preprocessing, cut
from auricle.specialist import Specialist
from auricle.specialist.windows import KeptWindows
from auricle.training import TrainingSettings

BEATS = Preprocessing(fs=50.0, window=2.0, hop=2.0, longest=2.0, shortest=1.0, anchor="beat", scaling="fixed")
SHAPE = Architecture(stem_stride=2, kernels=(3, 7), blocks=1, modules=1, heads=8)
PLAN = """
[description]
most_steps = 20
batch = 16
lr = 0.003
[protocol]
gap = 2.0
[assessment]
macro_f1_margin = 0.3
sensitivity_margin = 0.4
personal_macro_f1_margin = 0.3
"""


def ecg(seed, seconds=330.0, width=0.05):
    """Simulate narrow normal beats and wide ectopic ones, with their annotations."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.7, 0.9, int(seconds)))
    times = times[times < seconds - 1]
    symbols = np.where(rng.random(len(times)) < 0.3, "V", "N")
    at = np.arange(round(seconds * 100)) / 100
    x = rng.normal(0, 0.02, len(at))
    for time, symbol in zip(times, symbols, strict=True):
        near = slice(max(0, round(time * 100) - 40), round(time * 100) + 40)
        x[near] += np.exp(-0.5 * ((at[near] - time) / (width if symbol == "V" else 0.015)) ** 2)
    annotations = [Annotation(start=t, text=s) for t, s in zip(times.tolist(), symbols.tolist(), strict=True)]
    return Recording.from_array(x, 100.0, channels=("II",), units="mV", id=f"p{seed}", annotations=annotations)


def windows(recording):
    times = np.array([a.start for a in recording.annotations])
    return np.stack([w.samples for w in cut(recording, BEATS, beats=times)]), [a.text for a in recording.annotations]


def save_specialist(path: Path) -> Path:
    made = Specialist(architecture=SHAPE, preprocessing=BEATS, training=TrainingSettings(epochs=8, batch=32))
    made.fit(*windows(ecg(1)))
    x, y = windows(ecg(2))
    made.calibrate(x, y)
    kept = KeptWindows(samples=x[:120], labels=np.array(y[:120]), groups=np.repeat(np.arange(4), 30))
    made.windows_ = {"reference": kept, "rehearsal": kept}
    made.save(path, name="beats")
    return path
