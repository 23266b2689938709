"""`auricle adapt`, with a specialist of simulated beats that is made in seconds."""

import json
import re

import pytest

from simulated_beats import PLAN, ecg, save_specialist


@pytest.fixture(scope="session")
def beats(tmp_path_factory):
    return save_specialist(tmp_path_factory.mktemp("beats") / "beats")


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
    assert re.search(r"labelled windows: adaptation \d+ N, \d+ V; calibration \d+ N, \d+ V; test \d+ N, \d+ V\n", err)
    impact = json.loads(text)
    assert impact["schema"] == "auricle.impact/1"
    # Each of the labels that was given is told of: used in a stretch, in a gap, or after the last.
    used = sum(sum(one["counts"].values()) for one in impact["data"]["stretches"].values())
    notes = "\n".join(impact["notes"])
    gaps = re.search(r"a gap between two stretches were not used: (\d+) N, (\d+) V\.", notes)
    unheard = re.search(r"finds no beat, so that none is judged, were passed over: (\d+)\.", notes)
    rest = sum(map(int, gaps.groups())) + (int(unheard[1]) if unheard else 0)
    assert used + rest == len(table.read_text().splitlines()) - 1
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


def test_a_test_stretch_without_the_harmed_class_is_told_before_learning(command, beats, case):
    source, table, plan, out = case
    rows = table.read_text().splitlines()
    # Every beat from 200 s on is called normal, and the last fifth of 265 s is the test stretch.
    changed = [
        row if i == 0 or float(row.split(",")[0]) < 200 else row.replace(",V", ",N") for i, row in enumerate(rows)
    ]
    table.write_text("\n".join(changed) + "\n")
    _, text, err = command("adapt", beats, source, "--labels", table, "--plan", plan, "--out", out)
    assert "none of the test stretch is V, so harm to V can't be noticed; label on until some are" in err
    assert "The test stretch holds no window of V" in text


def test_a_repeated_command_does_not_adapt_twice(command, beats, case):
    source, table, plan, out = case
    arguments = ("adapt", beats, source, "--labels", table, "--plan", plan, "--out", out)
    _, first, err = command(*arguments)
    assert "already" not in err
    code, second, err = command(*arguments)
    # Keys of a stored record are sorted.
    assert (code, sorted(second.splitlines())) == (0, sorted(first.splitlines()))
    assert "made of these windows, labels and plan already; nothing was learned again" in err
    assert len(list((out / "versions").iterdir())) == 2


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


def test_a_plan_for_other_classes_leaves_no_folder(refused, beats, case):
    source, table, plan, out = case
    plan.write_text('[assessment]\nharm_class = "X"\n')
    text = "harm_class names the class 'X'; known are N, V; give a plan that was written for this specialist"
    refused(3, text, "adapt", beats, source, "--labels", table, "--plan", plan, "--out", out)
    assert not out.exists()


def test_another_persons_recording_is_noticed(command, beats, case, tmp_path):
    source, table, plan, out = case
    base = ("--labels", table, "--plan", plan, "--out", out)
    code, _, err = command("adapt", beats, source, *base, "--subject", "Anna")
    assert code == 0, err
    other = tmp_path / "q.npz"
    other.write_bytes(source.read_bytes())
    code, _, err = command("adapt", beats, other, *base, "--subject", "Berta")
    assert code == 3
    assert f"{out} is the folder of Anna, and " in err
    assert "--subject 'Anna' if they are one person" in err


def test_a_recording_of_nobody_knows_whom_is_asked_about(command, beats, case, tmp_path):
    source, table, plan, out = case
    base = ("--labels", table, "--plan", plan, "--out", out)
    _, _, err = command("adapt", beats, source, *base)
    assert "learned from" not in err
    ecg(8).save(tmp_path / "p8.npz")
    labels = tmp_path / "p8.csv"
    labels.write_text("time,label\n" + "".join(f"{a.start},{a.text}\n" for a in ecg(8).annotations))
    _, _, err = command("adapt", beats, tmp_path / "p8.npz", "--labels", labels, "--plan", plan, "--out", out)
    assert "learned from p7 before; if p8 is of somebody else, give another folder" in err
