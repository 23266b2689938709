"""`auricle watch` of beats, with a person's labels of beats or of windows."""

import json

import pytest

from auricle.signals.beats import beat_starts, detect_beats
from simulated_beats import BEATS, ecg, save_specialist


@pytest.fixture(scope="session")
def beats(tmp_path_factory):
    return save_specialist(tmp_path_factory.mktemp("beats") / "beats")


@pytest.fixture
def source(tmp_path):
    return ecg(7, seconds=60.0).save(tmp_path / "p7.npz")


def labelled(out):
    return [event for event in map(json.loads, out.splitlines()) if event["event"] == "label"]


def test_each_label_is_of_the_window_around_its_beat(command, beats, source, tmp_path):
    recording = ecg(7, seconds=60.0)
    heard = detect_beats(recording)
    # A person's marks lie elsewhere on a beat than the detector's; Q is no class of this specialist.
    rows = [(a.start - 0.04, a.text) for a in recording.annotations]
    rows[5] = (rows[5][0], "Q")
    table = tmp_path / "labels.csv"
    table.write_text("time,label\n" + "".join(f"{time:.3f},{label}\n" for time, label in rows))
    code, out, err = command("watch", beats, source, "--labels", table, "--json")
    assert code == 0, err
    expected = {}
    for time, label in rows:
        near = [i for i, beat in enumerate(heard) if abs(beat - time) <= 0.15]
        if near and label != "Q":
            expected[near[0]] = label
    found = {event["index"]: event["label"] for event in labelled(out)}
    assert found == expected
    assert "note: Labels of classes that the specialist does not judge were passed over: 1." in err
    assert len(found) > 50


def test_labels_of_windows_are_taken_too(command, refused, beats, source, tmp_path):
    starts = beat_starts(ecg(7, seconds=60.0), BEATS)
    table = tmp_path / "labels.csv"
    # The last window starts later than any window of fixed places would.
    table.write_text(f"start,label\n{starts[3]:.3f},V\n{starts[-1]:.3f},N\n")
    code, out, err = command("watch", beats, source, "--labels", table, "--json")
    assert code == 0, err
    assert [(event["index"], event["label"]) for event in labelled(out)] == [(3, "V"), (len(starts) - 1, "N")]
    table.write_text(f"index,label\n{len(starts)},V\n")
    text = f"window {len(starts)} lies outside recording p7, whose windows are 0 to {len(starts) - 1}"
    refused(3, text, "watch", beats, source, "--labels", table)


def test_beats_of_several_recordings_or_of_another_one(refused, beats, source, tmp_path):
    other = ecg(8, seconds=60.0)
    table = tmp_path / "labels.csv"
    table.write_text("time,label\n" + "".join(f"{a.start + 0.2},N\n" for a in other.annotations))
    refused(3, "are they of another recording", "watch", beats, source, "--labels", table)
    second = other.save(tmp_path / "p8.npz")
    text = "holds beats of one recording; give that one alone, or labels of windows in a CSV file with the columns"
    refused(3, text, "watch", beats, source, second, "--labels", table)
