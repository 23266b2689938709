"""Windows that a person labelled: each has the label of its own beat, or of its own stretch of time."""

from types import SimpleNamespace

import numpy as np
import pytest

from auricle.adaptation.labelled import read_labelled
from auricle.errors import InputError
from auricle.signals import Preprocessing, cut
from simulated_beats import BEATS, ecg

TIMED = Preprocessing(fs=50.0, window=10.0, hop=10.0, longest=10.0, shortest=5.0)


def judge(windowing):
    return SimpleNamespace(windowing=windowing, classes_=np.array(["N", "V"]))


def test_each_beat_has_its_own_label(tmp_path):
    recording = ecg(7, seconds=90.0)
    beats = [(a.start, a.text) for a in recording.annotations]
    beats[4] = (beats[4][0], "S")
    path = tmp_path / "labels.csv"
    # The order of the lines does not matter.
    path.write_text("time,label\n" + "".join(f"{time},{label}\n" for time, label in reversed(beats)))
    found = read_labelled(judge(BEATS), recording, path, minutes=1.0)
    expected = [(time, label) for time, label in beats if time < 60 and label != "S"]
    assert list(found.labels) == [label for _, label in expected]
    # Half a window on either side; the first windows begin before the recording.
    middles = found.starts + BEATS.window / 2
    late = [i for i, (time, _) in enumerate(expected) if time > 1]
    # Where the detector hears it, which is within 150 ms of the label.
    assert np.allclose(middles[late], [expected[i][0] for i in late], atol=0.15)
    assert found.notes[1:] == ("Labels of classes that the specialist does not judge were passed over: 1.",)
    # What is in the middle is the beat: the mark of its own is the last channel's largest value.
    assert (found.samples[:, -1].argmax(1) == found.samples.shape[-1] // 2).all()


def test_windows_lie_where_a_judgement_will_cut_them(tmp_path):
    recording = ecg(7, seconds=90.0)
    path = tmp_path / "labels.csv"
    # A person marks the beats elsewhere than the detector: 60 ms before.
    path.write_text("time,label\n" + "".join(f"{a.start - 0.06:.3f},{a.text}\n" for a in recording.annotations))
    found = read_labelled(judge(BEATS), recording, path, minutes=1.0)
    judged = {window.start: window.samples for window in cut(recording, BEATS)}
    assert len(found.starts) > 60
    assert set(found.starts.tolist()) <= judged.keys()
    for start, samples in zip(found.starts.tolist(), found.samples, strict=True):
        assert np.array_equal(samples, judged[start])


def test_a_label_without_a_beat_that_is_judged_is_passed_over_and_said(tmp_path):
    recording = ecg(7, seconds=90.0)
    times = [a.start for a in recording.annotations]
    path = tmp_path / "labels.csv"
    rows = [(time, "N") for time in times] + [((times[20] + times[21]) / 2, "V")]
    path.write_text("time,label\n" + "".join(f"{time:.3f},{label}\n" for time, label in rows))
    found = read_labelled(judge(BEATS), recording, path, minutes=1.0)
    assert set(found.labels) == {"N"}
    assert found.notes[1:] == ("Labels where the detector finds no beat, so that none is judged, were passed over: 1.",)


def test_each_window_of_time_has_its_own_label(tmp_path):
    recording = ecg(7, seconds=90.0)
    path = tmp_path / "labels.csv"
    path.write_text("start,label\n50,V\n20.0,N\n80,V\n")
    found = read_labelled(judge(TIMED), recording, path, minutes=1.0)
    assert found.starts.tolist() == [20.0, 50.0]
    assert found.labels == ("N", "V")
    assert (found.start, found.stop) == (20.0, 80.0)
    assert found.notes == ("Labels from 80 s on were not used, as the plan takes those of 60 s: 1.",)


def test_the_labelled_part_is_used_wherever_it_lies(tmp_path):
    recording = ecg(7, seconds=150.0)
    path = tmp_path / "labels.csv"
    late = [a for a in recording.annotations if 70.5 <= a.start < 110.5]
    path.write_text("time,label\n" + "".join(f"{a.start},{a.text}\n" for a in late))
    found = read_labelled(judge(BEATS), recording, path, minutes=5.0)
    assert list(found.labels) == [a.text for a in late]
    assert found.start == int(late[0].start)
    assert found.stop == int(late[-1].start) + 1
    assert found.notes == ()


def test_labels_of_another_recording_are_refused_wherever_they_lie(tmp_path):
    recording, other = ecg(7, seconds=150.0), ecg(8, seconds=150.0)
    path = tmp_path / "labels.csv"
    rows = [f"{a.start + 0.2},N\n" for a in other.annotations if a.start > 70]
    path.write_text("time,label\n" + "".join(rows))
    with pytest.raises(InputError, match="are they of another recording"):
        read_labelled(judge(BEATS), recording, path, minutes=5.0)
