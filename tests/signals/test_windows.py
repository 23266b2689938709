from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.errors import InputError
from auricle.signals import Preprocessing, Recording, condition, cut, resample, spans
from auricle.signals.quality import assess
from auricle.signals.windows import bridge

RATES = [100, 125, 128, 200, 250, 256, 257, 300, 360, 500, 1000]


def sine(frequency, fs, seconds=10.0, phase=0.3):
    return np.sin(2 * np.pi * frequency * np.arange(round(seconds * fs)) / fs + phase)[None]


@pytest.mark.parametrize("fs", RATES)
@pytest.mark.parametrize("new_fs", [100, 125, 300])
def test_a_sine_keeps_its_amplitude_and_phase(fs, new_fs):
    frequency = 0.3 * min(fs, new_fs)
    out = resample(sine(frequency, fs), fs, new_fs)[0]
    expected = np.sin(2 * np.pi * frequency * np.arange(len(out)) / new_fs + 0.3)
    inner = slice(new_fs, -new_fs)
    np.testing.assert_allclose(out[inner], expected[inner], atol=0.01)


@pytest.mark.parametrize("fs", [250, 300, 360, 500, 1000])
def test_what_would_be_folded_back_is_suppressed_by_40_db(fs):
    new_fs = 125
    for frequency in np.linspace(0.6 * new_fs, 0.49 * fs, 7):
        out = resample(sine(frequency, fs), fs, new_fs)[0]
        assert np.sqrt(2 * np.mean(out[new_fs:-new_fs] ** 2)) < 0.01


@pytest.mark.parametrize("fs", RATES)
def test_an_offset_and_a_slope_are_kept_up_to_the_edges(fs):
    t = np.arange(5 * fs) / fs
    out = resample((7 + 0.5 * t)[None], fs, 125)[0]
    np.testing.assert_allclose(out, 7 + 0.5 * np.arange(len(out)) / 125, atol=0.01)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 2000), st.sampled_from(RATES), st.sampled_from([100, 125, 128, 300]))
def test_the_length_is_the_ceiling_of_the_ratio(n, fs, new_fs):
    out = resample(np.ones((2, n), np.float32), fs, new_fs)
    assert out.shape == (2, -(-n * new_fs // fs))
    assert out.dtype == np.float32


def test_the_same_rate_changes_nothing():
    x = np.random.default_rng(0).normal(size=(1, 50)).astype(np.float32)
    np.testing.assert_array_equal(resample(x, 300, 300), x)


def test_rates_too_far_apart_are_refused():
    with pytest.raises(InputError, match=r"resampling from 1e\+06 to 100 Hz; rates may differ by a factor of 1,000"):
        resample(np.zeros((1, 10)), 1e6, 100)


@settings(max_examples=100, deadline=None)
@given(st.floats(2.0, 500.0), st.floats(5.0, 60.0), st.floats(0.1, 1.0), st.floats(1.0, 3.0))
def test_spans_cover_everything_and_none_is_too_long(duration, window, overlap, longest):
    preprocessing = Preprocessing(fs=125.0, window=window, hop=window * overlap, longest=window * longest)
    found = spans(duration, preprocessing)
    assert found[0][0] == 0.0
    assert found[-1][1] == pytest.approx(duration)
    for start, stop in found:
        assert stop - start == pytest.approx(duration if len(found) == 1 else window)
        assert stop - start <= preprocessing.longest * (1 + 1e-12)
    for (a, b), (c, _) in pairwise(found):
        assert a < c <= b * (1 + 1e-12)
        assert c - a <= preprocessing.hop * (1 + 1e-9)


def test_a_recording_longer_than_a_window_by_rounding_alone_is_one_window():
    preprocessing = Preprocessing(fs=125.0, window=5.0, hop=5.0, longest=5.0)
    assert spans(5.000000000000001, preprocessing) == [(0.0, 5.0)]


def test_a_recording_up_to_the_longest_is_one_window():
    preprocessing = Preprocessing(fs=125.0)
    assert spans(61.0, preprocessing) == [(0.0, 61.0)]
    assert len(spans(61.01, preprocessing)) == 3


def test_too_short_a_recording_is_refused():
    with pytest.raises(InputError, match=r"the recording lasts 1.99 s; at least 2 s are needed for a judgement"):
        spans(1.99, Preprocessing(fs=125.0))
    with pytest.raises(InputError, match=r"the recording lasts 1.9997 s; at least 2 s are needed"):
        spans(1.9997, Preprocessing(fs=125.0))


def test_a_recording_of_ages_is_refused_before_it_is_cut_into_billions():
    with pytest.raises(InputError, match=r"lasts 3e\+10 s, more than a year; the rate that its file states is wrong"):
        spans(3e10, Preprocessing(fs=125.0))


def test_a_rate_that_is_too_low_is_flagged_in_every_window():
    for fs, flagged in ((40.0, True), (62.5, False), (125.0, False)):
        x = np.random.default_rng(0).normal(size=(1, round(95 * fs)))
        windows = list(cut(Recording.from_array(x, fs, units="mV"), Preprocessing(fs=125.0)))
        assert [[flag.kind for flag in window.quality.flags] == ["rate"] for window in windows] == [flagged] * 4
    (flag,) = assess(x[:, :80], 40.0, "mV", wanted_fs=125.0).flags
    assert (flag.start, flag.stop) == (0.0, 2.0)
    assert flag.text == "recorded at 40 Hz, so that nothing above 20 Hz is there; 125 Hz are wanted"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"hop": 31.0}, "hop 31 s, window 30 s, longest 61 s; they must be above 0 and in this order"),
        ({"window": 90.0}, "window 90 s, longest 61 s"),
        ({"hop": 0.0}, "hop 0 s"),
        ({"highpass": 70.0}, "a high-pass at 70 Hz; it must lie between 0 and 62.5, half the rate"),
        ({"fs": 0.0}, "a rate of 0 Hz for the windows"),
    ],
)
def test_preprocessing_that_can_not_work_is_refused(options, text):
    with pytest.raises(InputError, match=text):
        Preprocessing(**{"fs": 125.0, **options})


def noise(seconds, fs, channels=1, **options):
    samples = np.random.default_rng(1).normal(size=(channels, round(seconds * fs))).astype(np.float32)
    names = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")[:channels]
    return Recording.from_array(samples, fs, channels=names, units="mV", **options)


@pytest.mark.parametrize(
    ("seconds", "fs", "channels"),
    [(30, 100, 1), (30, 1000, 1), (10, 500, 12), (3, 300, 1), (95, 128, 2), (70, 360.5, 1)],
)
def test_unusual_recordings_are_cut(seconds, fs, channels):
    recording = noise(seconds, fs, channels, id="x", subject="s")
    windows = list(cut(recording, Preprocessing(fs=125.0, leads=(("II", "I"),))))
    assert windows[0].start == 0
    assert windows[-1].stop == pytest.approx(recording.duration)
    assert len({window.samples.shape for window in windows}) == 1
    for window in windows:
        assert window.samples.shape[1] == pytest.approx(125 * (window.stop - window.start), abs=1)
        assert (window.recording, window.subject, window.fs) == ("x", "s", 125.0)


def test_a_window_depends_on_its_own_samples_alone():
    recording = noise(95, 300)
    preprocessing = Preprocessing(fs=125.0)
    second = list(cut(recording, preprocessing))[1]
    alone = Recording.from_array(recording.samples(9000, 18000), 300, units="mV")
    (window,) = cut(alone, preprocessing)
    np.testing.assert_array_equal(window.samples, second.samples)


def test_one_window_is_read_at_a_time():
    class Counting:
        longest = 0

        def read(self, rows, start, stop):
            self.longest = max(self.longest, stop - start)
            return np.zeros((len(rows), stop - start), np.float32) + np.arange(start, stop, dtype=np.float32) % 97

    source = Counting()
    day = Recording(id="day", fs=16.0, channels=("I",), units=("mV",), n_samples=16 * 86400, samples_from=source)
    count = sum(1 for _ in cut(day, Preprocessing(fs=16.0, highpass=None)))
    assert count == 2880
    assert source.longest == 16 * 30


def test_the_rate_of_the_chosen_lead_counts():
    slow = Recording.from_array(np.ones((1, 100)), 10, channels=("EOG",), units="uV")
    fast = Recording.from_array(np.ones((1, 1000)), 100, channels=("EEG Fpz-Cz",), units="uV")
    both = Recording(
        id="psg", fs=100.0, channels=fast.channels, units=fast.units, n_samples=1000, samples_from=fast.samples_from,
        others=(slow,),
    )  # fmt: skip
    (window,) = cut(both, Preprocessing(fs=10.0, unit="uV", leads=(("EOG",),), highpass=None))
    assert window.samples.shape == (1, 100)


def test_missing_samples_are_bridged_and_flagged():
    samples = np.sin(np.arange(3000) / 20, dtype=np.float32)[None].copy()
    samples[0, 1000:1100] = np.nan
    samples[0, 2000] = np.inf
    (window,) = cut(Recording.from_array(samples, 100, units="mV"), Preprocessing(fs=100.0))
    assert np.isfinite(window.samples).all()
    assert [flag.kind for flag in window.quality.flags] == ["dropout", "dropout"]
    assert window.samples[0, 1050] == pytest.approx((samples[0, 999] + samples[0, 1100]) / 2, abs=0.02)


def test_a_channel_of_nothing_but_missing_samples_is_zero():
    np.testing.assert_array_equal(bridge(np.full((2, 5), np.nan, np.float32)), np.zeros((2, 5)))


@given(st.floats(0.01, 100.0))
def test_peak_scaling_makes_the_gain_irrelevant(gain):
    x = noise(10, 125).samples() * 5
    preprocessing = Preprocessing(fs=125.0)
    np.testing.assert_allclose(condition(x * np.float32(gain), preprocessing), condition(x, preprocessing), atol=2e-3)


def test_conditioning_removes_the_baseline_and_leaves_a_flat_line_flat():
    preprocessing = Preprocessing(fs=125.0)
    x = sine(5, 125) + 4
    assert abs(condition(x, preprocessing)[0, 200:-200].mean()) < 0.01
    assert np.abs(condition(np.full((1, 1000), 3.0, np.float32), preprocessing)).max() < 1e-3


def test_without_scaling_the_physical_unit_stays():
    x = sine(5, 125).astype(np.float32) * 80
    out = condition(x, Preprocessing(fs=125.0, unit="uV", scaling="none", highpass=None))
    np.testing.assert_array_equal(out, x)


@pytest.mark.parametrize("n", [1, 2, 5, 100])
def test_short_windows_can_be_conditioned(n):
    out = condition(np.ones((1, n), np.float32), Preprocessing(fs=125.0))
    assert out.shape == (1, n)
    assert np.isfinite(out).all()
