"""The comparison of ways to adapt: its arms on one simulated patient, and what spoiled minutes do."""

import json
from dataclasses import replace

import numpy as np
import pytest

from auricle.adaptation.judging import LabelledStretch
from auricle.adaptation.plan import Plan
from auricle.bench.adaptation.arms import ARMS, Arm
from auricle.bench.adaptation.patients import Case
from auricle.bench.adaptation.safety import harm_of
from auricle.bench.adaptation.spoiling import KINDS, spoiled
from auricle.bench.adaptation.summary import summed
from auricle.bench.adaptation.trial import trial
from auricle.ec57 import count
from auricle.specialist import Specialist
from simulated_beats import PLAN, ecg, save_specialist, windows


@pytest.fixture(scope="session")
def beats(tmp_path_factory):
    return save_specialist(tmp_path_factory.mktemp("beats") / "beats")


def patient(beats):
    judge = Specialist.load(beats, backend="torch")
    recording = ecg(9, seconds=420.0)
    x, y = windows(recording)
    starts = np.array([a.start - 1.0 for a in recording.annotations])
    early = starts + 1.0 < 300
    return judge, Case(
        name="p9", subject="p9", labelled=LabelledStretch.of(x[early], np.array(y)[early], starts[early], judge),
        rest=x[~early], truth=np.array(y)[~early], fs=50.0,
    )  # fmt: skip


@pytest.mark.parametrize("name", ARMS)
def test_every_arm_on_one_patient(beats, name, tmp_path):
    judge, one = patient(beats)
    (tmp_path / "plan.toml").write_text(PLAN)
    plan = Plan.read(tmp_path / "plan.toml")
    found = trial(judge, one, Arm(name=name, lr=1e-3), plan, 0)
    json.dumps(found, allow_nan=False)
    assert found["forwards"] == (0 if name == "base" else 40)
    assert (found["ledger_bytes"] > 0) == (name in {"pool", "lfsr", "signs", "pool-small"})
    assert sum(map(sum, found["before"]["table"])) == len(one.truth)
    row = summed([{"record": "p9", "subject": "p9", "seed": 0, **found}], 1)
    assert row["veb_f1"][0] > 0.5
    assert row["refused"] in {0, 1}
    assert 0 <= row["coverage"][1] <= 1
    assert row["inside"]["pairs"] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_spoiled_minutes_leave_the_rest_alone(beats, kind):
    _, one = patient(beats)
    own = one.labelled
    before = own.samples.copy(), own.labels.copy()
    bad, again = spoiled(one, kind, 3), spoiled(one, kind, 3)
    assert bad.rest is one.rest
    assert bad.truth is one.truth
    assert (own.samples == before[0]).all()
    assert (own.labels == before[1]).all()
    assert (bad.labelled.samples == again.labelled.samples).all()
    assert (bad.labelled.labels == again.labelled.labels).all()
    if kind == "wrong_labels":
        assert 0.1 < (bad.labelled.labels != own.labels).mean() < 0.3
    elif kind == "one_class":
        assert set(bad.labelled.labels.tolist()) == {"N"}
    elif kind == "lead_reversed":
        assert (bad.labelled.samples == -own.samples).all()
    elif kind == "noise":
        added = (bad.labelled.samples - own.samples).var(-1)
        assert 0.7 < float(np.median(added / own.samples.var(-1))) < 1.4
    else:
        assert bad.labelled is own


def test_marks_are_not_spoiled(beats):
    _, one = patient(beats)
    marked = replace(one, marks=1)
    for kind in ("noise", "lead_reversed"):
        assert (spoiled(marked, kind, 0).labelled.samples[:, -1] == one.labelled.samples[:, -1]).all()


def test_harm_is_told_with_the_plan_and_without():
    clean, fallen = count(["V"] * 10, ["V"] * 10).tolist(), count(["V"] * 10, ["V"] * 5 + ["N"] * 5).tolist()
    trial = {
        "record": "9", "refused": True, "reasons": ["x"], "before": {"table": clean}, "after": {"table": clean},
        "unguarded": {"table": fallen},
    }  # fmt: skip
    row = harm_of(trial, 0.05)
    assert row["veb_f1"] == [1.0, 1.0, pytest.approx(2 / 3)]
    assert row["harmed"] == [False, True]
    assert harm_of(trial, 0.5)["harmed"] == [False, False]


def test_forward_only_arms_move_different_weights_in_different_ways(beats, tmp_path):
    judge, one = patient(beats)
    (tmp_path / "plan.toml").write_text(PLAN)
    plan = Plan.read(tmp_path / "plan.toml")
    moved = {}
    for name in ("pool", "lfsr", "signs", "mezo"):
        learned = Arm(name=name, lr=1e-3).learn(judge.network_, one.lesson(judge, plan), plan.description)
        moved[name] = learned.distance
    assert len(set(moved.values())) == 4
    assert all(0 < value < 0.5 for value in moved.values())
