"""`auricle adapt` and EC57, with a specialist of simulated beats that is made in seconds."""

import json
from dataclasses import replace

import numpy as np
import pytest

from auricle import Recording
from auricle.adaptation.plan import Plan
from auricle.bench.adaptation.arms import ARMS, Arm
from auricle.bench.adaptation.safety import harm_of
from auricle.bench.adaptation.spoiling import KINDS, spoiled
from auricle.bench.adaptation.summary import summed
from auricle.bench.adaptation.trial import trial
from auricle.ec57 import count
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


@pytest.fixture(scope="session")
def beats(tmp_path_factory):
    made = Specialist(architecture=SHAPE, preprocessing=BEATS, training=TrainingSettings(epochs=8, batch=32))
    made.fit(*windows(ecg(1)))
    x, y = windows(ecg(2))
    made.calibrate(x, y)
    kept = KeptWindows(samples=x[:120], labels=np.array(y[:120]), groups=np.repeat(np.arange(4), 30))
    made.windows_ = {"reference": kept, "rehearsal": kept}
    path = tmp_path_factory.mktemp("beats") / "beats"
    made.save(path, name="beats")
    return path


@pytest.fixture
def case(tmp_path):
    """Give a recording, its labels as a table, a plan and a place for the patient."""
    recording = ecg(7)
    source = recording.save(tmp_path / "p7.npz")
    table = tmp_path / "labels.csv"
    rows = [f"{a.start},{a.text}" for a in recording.annotations]
    table.write_text("time,label\n" + "\n".join(rows) + "\n")
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)
    return source, table, plan, tmp_path / "anna"


def test_adapt_history_replay_rollback(command, beats, case):
    source, table, plan, out = case
    code, text, err = command("adapt", beats, source, "--labels", table, "--plan", plan, "--out", out, "--json")
    assert code == 0, err
    impact = json.loads(text)
    assert impact["schema"] == "auricle.impact/1"
    assert impact["decision"]["accepted"], impact["decision"]["reasons"]
    assert impact["cost"]["forwards"] == 40
    assert (out / "report-0001.html").read_text().startswith("<!doctype html>")
    # The patient's folder stands for the version that is in use.
    code, text, err = command("predict", out, source, "--json")
    assert code == 0, err
    assert json.loads(text.splitlines()[5])["specialist"]["version"].endswith("+0001-" + impact_version(out))
    code, text, _ = command("history", out, "--json")
    assert [json.loads(line)["state"] for line in text.splitlines()] == ["retired", "active"]
    code, _, err = command("replay", out, "--verify")
    assert code == 0, err
    code, _, err = command("rollback", out, "--to", "0")
    assert code == 0, err
    code, text, _ = command("adapt", beats, source, "--labels", table, "--plan", plan, "--out", out)
    assert code == 0
    assert "accepted" in text


def impact_version(out):
    return next(path.name for path in (out / "versions").iterdir() if path.name.startswith("0001-")).partition("-")[2]


def test_beats_are_no_labels_of_windows(refused, af, tmp_path):
    del af
    (tmp_path / "x.atr").write_bytes(b"\0\0")
    source = ecg(7, seconds=40.0).save(tmp_path / "p7.npz")
    text = "holds beats, and this specialist judges windows of 30 s; give a CSV table with the columns start"
    refused(3, text, "adapt", "af", source, "--labels", tmp_path / "x.atr", "--out", tmp_path / "p")


@pytest.mark.parametrize(
    ("lines", "code", "text"),
    [
        ("time,label\n1.0,X\n", 3, "line 2: 'X' is no class of a beat; allowed are N, S, V, F and Q"),
        ("time,label\n1e5,N\n", 3, "a beat at 100000 s lies outside recording p7, which lasts 330 s"),
        ("time,label\nsoon,N\n", 3, "line 2: 'soon' is no time in s"),
        ("time,label,recording\n1.0,N,x\n", 3, "the label is for recording 'x', and 'p7' was given"),
        ("when,what\n1,N\n", 3, r"must begin with a line that names the columns time \(in s\) and label"),
        ("", 3, "must begin with a line that names the columns"),
    ],
)
def test_labels_that_are_none(refused, beats, case, lines, code, text):
    source, table, plan, out = case
    table.write_text(lines)
    refused(code, text, "adapt", beats, source, "--labels", table, "--plan", plan, "--out", out)
    assert not out.exists()


def test_labels_of_another_recording_are_noticed(refused, beats, case):
    source, table, plan, out = case
    table.write_text("time,label\n" + "\n".join(f"{a.start},{a.text}" for a in ecg(8).annotations) + "\n")
    text = "only 4[0-9] % of the 3[0-9]+ labels lie within 150 ms of a beat that a detector finds in recording p7"
    refused(3, text, "adapt", beats, source, "--labels", table, "--plan", plan, "--out", out)


def test_a_plan_that_contradicts_itself(refused, beats, case):
    source, table, plan, out = case
    plan.write_text("[protocol]\ntest_share = 0.9\n")
    refused(
        3, "the three stretches must make 1", "adapt", beats, source, "--labels", table, "--plan", plan, "--out", out
    )


# --- the comparison ---


def patient(beats):
    judge = Specialist.load(beats, backend="torch")
    recording = ecg(9, seconds=420.0)
    x, y = windows(recording)
    starts = np.array([a.start - 1.0 for a in recording.annotations])
    early = starts + 1.0 < 300
    from auricle.adaptation.judging import LabelledStretch  # noqa: PLC0415
    from auricle.bench.adaptation.patients import Case  # noqa: PLC0415

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
