"""Beats: names, detection, and the windows around them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.errors import InputError
from auricle.signals import Annotation, Preprocessing, Recording, condition, cut, expected
from auricle.signals.archives import open_archive
from auricle.signals.beat_records import read_beats, subject_of
from auricle.signals.beats import annotated_beats, detect_beats, flutter, is_paced, marks
from auricle.signals.simulate import sinus

BEATS = Preprocessing(fs=100.0, window=5.0, hop=5.0, longest=5.0, anchor="beat")


def recording(texts, fs=200.0, seconds=30.0, channels=1):
    samples = np.random.default_rng(0).normal(size=(channels, int(fs * seconds)))
    annotations = [Annotation(start=float(i + 1), text=text) for i, text in enumerate(texts)]
    return Recording.from_array(samples, fs, units="mV", annotations=annotations, id="r")


def test_symbols_become_classes():
    beats = annotated_beats(recording(["N", "(AFIB", "L", "A", "V", "F", "/", "~", "Q", "e aux"]))
    assert [beat.label for beat in beats] == ["N", "N", "S", "V", "F", "Q", "Q", "N"]
    assert is_paced(beats)
    assert not is_paced(beats[:4])


def test_a_recording_without_beats_is_refused():
    with pytest.raises(InputError, match="recording r has no annotated beats"):
        annotated_beats(recording(["(AFIB"]))


def test_flutter_lasts_to_its_end_or_that_of_the_recording():
    assert flutter(recording(["N", "[", "!", "!", "]", "N"])) == ((2.0, 5.0),)
    assert flutter(recording(["N", "[", "!"])) == ((2.0, 30.0),)


def test_detector_finds_sharp_waves_where_they_are():
    rng = np.random.default_rng(2)
    truth = np.cumsum(rng.uniform(0.6, 1.0, 70))
    at = np.arange(60 * 360) / 360
    inside = truth[truth < 60]
    values = sum(np.exp(-0.5 * ((at - time) / 0.012) ** 2) for time in inside) + rng.normal(0, 0.02, len(at))
    times = detect_beats(Recording.from_array(values, 360, units="mV"))
    inner = inside[(inside > 2) & (inside < 59)]
    assert all(np.abs(times - time).min() < 0.05 for time in inner)
    assert all(np.abs(inside - time).min() < 0.05 for time in times)


def test_detection_does_not_depend_on_where_its_pieces_end(monkeypatch):
    heard = sinus(120, 250, seed=1)
    whole = detect_beats(heard)
    monkeypatch.setattr("auricle.signals.beats._CHUNK", 31.0)
    parts = detect_beats(heard)
    assert len(parts) == len(whole)
    assert np.abs(parts - whole).max() <= 0.04


@pytest.mark.parametrize("fs", [125.0, 500.0, 1000.0, 2000.0])
def test_beats_are_found_at_any_rate(fs):
    heard = sinus(30, fs, seed=3)
    wanted = detect_beats(sinus(30, 250, seed=3))
    times = detect_beats(heard)
    assert 25 < len(wanted) < 50
    assert abs(len(times) - len(wanted)) <= 1
    assert np.median([np.abs(wanted - time).min() for time in times]) < 0.03


def test_a_flat_line_has_no_beats():
    assert not len(detect_beats(Recording.from_array(np.zeros(36000), 360, units="mV")))


@settings(max_examples=40, deadline=None)
@given(
    times=st.lists(st.integers(0, 3000), min_size=1, max_size=20, unique=True),
    start=st.integers(-300, 2900),
    own=st.integers(0, 19),
)
def test_marks_stand_where_the_beats_are(times, start, own):
    at = np.sort(np.array(times)) / 100
    judged = at[own % len(at)]
    drawn = marks(at, judged, start / 100, 500, 100.0)
    place = round(judged * 100) - start
    alone = np.abs(at - judged)[at != judged].min(initial=9) > 0.3
    if 0 <= place < 500 and alone:
        assert drawn[place] == pytest.approx(1, abs=1e-3)
    for time in at[at != judged]:
        i = round(time * 100) - start
        if 0 <= i < 500 and np.abs(at - time)[at != time].min() > 0.3:
            assert drawn[i] == pytest.approx(-1, abs=1e-3)


def test_a_window_has_its_beat_in_the_middle_and_does_not_know_the_rest():
    heard = recording(["N"] * 20, seconds=40)
    times = np.array([1.0, 10.0, 11.0, 30.0, 39.5])
    windows = list(cut(heard, BEATS, beats=times))
    assert [window.samples.shape for window in windows] == [(2, 500)] * 5
    assert [round(w.start - w.before + 2.5, 2) for w in windows] == times.tolist()
    assert [w.before for w in windows] == [1.5, 0, 0, 0, 0]
    assert (windows[0].start, windows[-1].stop) == (0.0, 40.0)
    assert all(w.samples[1].argmax() == 250 for w in windows)
    assert windows[1].samples[1].min() == pytest.approx(-1, abs=1e-3)
    part = Recording.from_array(heard.samples()[:, 1000:3500], heard.fs, units="mV")
    (again,) = cut(part, BEATS, beats=times - 5.0, only=[1])
    assert np.array_equal(again.samples[0], windows[1].samples[0])
    assert np.allclose(again.samples[1], windows[1].samples[1], atol=1e-5)


def test_beyond_the_ends_the_signal_is_held():
    heard = recording(["N"], fs=100.0, seconds=10)
    first, last = cut(heard, BEATS, beats=np.array([0.5, 9.5]))
    values = heard.samples()[0]
    assert (first.samples[0, :200] == values[0]).all()
    assert (last.samples[0, 300:] == values[-1]).all()
    assert (first.start, first.before, last.stop) == (0.0, 2.0, 10.0)


def test_a_window_beyond_an_end_says_so():
    heard = recording(["N"] * 20, seconds=40)
    windows = list(cut(heard, BEATS, beats=np.array([0.5, 2.1, 20.0, 37.9, 39.5])))
    told = [[flag.text for flag in w.quality.flags if flag.kind == "edge"] for w in windows]
    assert told == [
        ["2.0 s of the window lie beyond the recording's beginning"], [], [], [],
        ["2.0 s of the window lie beyond the recording's end"],
    ]  # fmt: skip


def test_marks_are_not_conditioned():
    (window,) = cut(recording(["N"]), BEATS, beats=np.array([15.0]))
    ready = condition(window.samples, BEATS)
    assert np.array_equal(ready[1], window.samples[1])
    alone = condition(window.samples[:1], replace(BEATS, anchor="time"))
    assert np.array_equal(ready[:1], alone)


def test_expected_counts():
    assert expected(600.0, BEATS) == 720
    assert expected(95.0, Preprocessing(fs=100.0)) == 4
    with pytest.raises(InputError, match="at least 2 s are needed"):
        expected(1.0, BEATS)


def test_an_anchor_that_is_not_known():
    with pytest.raises(InputError, match='anchor \'R\' was given; allowed are "time" and "beat"'):
        replace(BEATS, anchor="R")


def test_mit_bih_records(data):
    seen = []
    windows = read_beats(data / "mitdb", replace(BEATS, leads=(("MLII",),)), progress=lambda *a: seen.append(a))
    assert seen[-1] == (27, 27)
    labels, counts = np.unique(windows.labels, return_counts=True)
    # Of the 22 records of DS1 and 202, by their annotations; V without those in the flutter of 207.
    assert dict(zip(labels.tolist(), counts.tolist(), strict=True)) == {"F": 416, "N": 47927, "S": 999, "V": 3807}
    assert not {"102", "104", "107", "217"} & set(windows.recordings.tolist())
    assert set(windows.subjects[windows.recordings == "202"]) == {"201"}
    assert windows.samples.shape == (53149, 2, 500)


def test_beats_are_no_windows_in_time(data):
    with pytest.raises(InputError, match="holds annotated beats, and this specialist judges windows"):
        open_archive(data / "mitdb", Preprocessing(fs=100.0))


def test_subject_of_a_record_that_names_somebody():
    assert subject_of(replace(recording(["N"]), subject="x")) == "x"
    assert subject_of(recording(["N"])) == "r"
