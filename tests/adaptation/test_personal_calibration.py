"""Stretches of the labelled minutes, and whose windows calibrate."""

import numpy as np
import pytest

from auricle.adaptation.judging import STRETCHES, LabelledStretch, divide
from auricle.adaptation.personal import Scored, calibrate
from auricle.adaptation.plan.protocol import Protocol
from auricle.conformal import smallest_n
from waves import patient_windows, plan


def test_stretches_share_no_sample(specialist):
    x, y, starts = patient_windows()
    parts = divide(LabelledStretch.of(x, y, starts, specialist), plan(), 64.0, start=0.0, stop=300.0)
    ends = [(parts[name].starts.min(), parts[name].starts.max() + 1.0) for name in STRETCHES]
    assert ends[0][1] + 1.0 <= ends[1][0]
    assert ends[1][1] + 1.0 <= ends[2][0]
    assert sum(len(parts[name]) for name in STRETCHES) >= 230


def test_whose_windows_calibrate():
    rng = np.random.default_rng(0)
    others = Scored(scores=rng.normal(size=(200, 2)), labels=np.repeat(["N", "V"], 100))
    own = Scored(scores=rng.normal(5, 1, size=(45, 2)), labels=np.repeat(["N", "V"], [40, 5]))
    made = {
        mode: calibrate(["N", "V"], others, own, mode=mode, alphas=[0.1, 0.05], least=3)
        for mode in ("auto", "population", "personal", "combined")
    }
    assert dict(made["auto"].source) == {"N": "personal", "V": "population"}
    assert dict(made["population"].source) == {"N": "population", "V": "population"}
    assert dict(made["personal"].source) == {"N": "personal", "V": "personal"}
    assert dict(made["combined"].source) == {"N": "personal", "V": "combined"}
    assert made["auto"].calibration.counts == {"N": 40, "V": 100}
    assert made["combined"].calibration.counts["V"] == smallest_n(0.05)
    assert "for this patient" in made["auto"].promise("N")
    assert made["personal"].counts == {"N": 40, "V": 5}


def test_a_class_without_any_window_promises_nothing():
    none = Scored(scores=np.zeros((0, 2)), labels=np.zeros(0, "<U1"))
    own = Scored(scores=np.ones((20, 2)), labels=np.array(["N"] * 20))
    with pytest.warns(UserWarning, match="no calibration sample has the label 'V'"):
        made = calibrate(["N", "V"], none, own, mode="auto", alphas=[0.1])
    assert made.source["V"] == "none"


def test_where_nothing_may_calibrate_the_old_stands_and_promises_nothing(specialist):
    none = Scored(scores=np.zeros((0, 2)), labels=np.zeros(0, "<U1"))
    own = Scored(scores=np.ones((2, 2)), labels=np.array(["N", "V"]))
    old = specialist.calibration_
    made = calibrate(["N", "V"], none, own, mode="auto", alphas=[0.1], otherwise=old)
    assert made.calibration is old
    assert set(made.source.values()) == {"none"}
    assert "promises nothing" in made.promise("N")


def test_no_window_reaches_out_of_its_stretch(specialist):
    x, y, _ = patient_windows(2400)
    starts = np.linspace(0.0, 299.0, 2400)
    cut = plan().model_copy(update={"protocol": Protocol(gap=0.0)})
    parts = divide(LabelledStretch.of(x, y, starts, specialist), cut, 64.0, start=0.0, stop=300.0)
    for name, (first, last) in cut.protocol.stretches().items():
        inside = (starts >= first) & (starts + 1.0 <= last)
        assert parts[name].starts.tolist() == starts[inside].tolist()
