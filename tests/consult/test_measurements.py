"""Measurements against signals whose rate, width, power and events are known, and against annotated records."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.consult.excerpt import excerpt
from auricle.consult.measurements import Measurement, measure, number
from auricle.consult.measurements_ecg import FS, Beats, qrs_width
from auricle.consult.measurements_eeg import BANDS, Channel
from auricle.finding import WindowSpan
from auricle.signals import Recording
from auricle.signals.beats import annotated_beats
from auricle.signals.simulate import Artefacts, atrial_fibrillation, noise, sinus, sleep_eeg
from window_findings import finding_on


def measured(recording, stretches=(), **options):
    found = measure(excerpt(finding_on(recording, **options), recording), stretches)
    return {(one.name, one.where): one.value for one in found}


def in_window(recording, **options):
    return {name: value for (name, where), value in measured(recording, **options).items() if where is None}


def intervals_of(recording):
    """True intervals between the beats that are whole in the recording."""
    times = [a.start for a in recording.annotations if a.text in {"beat", "PVC", "PAC"}]
    return np.diff(sorted(t for t in times if 0.3 < t < recording.duration - 0.3))


@pytest.mark.parametrize("rate", [45, 70, 120, 160])
def test_rate_and_variability_are_those_of_the_simulated_beats(rate):
    recording = sinus(30, heart_rate=rate, variability=0.05, seed=rate)
    rr = intervals_of(recording)
    found = in_window(recording)
    assert found["heart rate"] == pytest.approx(60 / rr.mean(), rel=0.01)
    assert found["mean RR interval"] == pytest.approx(rr.mean(), rel=0.01)
    assert found["SDNN"] == pytest.approx(rr.std(ddof=1), abs=0.006)
    assert found["RMSSD"] == pytest.approx(np.sqrt(np.mean(np.diff(rr) ** 2)), abs=0.008)
    assert found["RR irregularity"] == pytest.approx(rr.std(ddof=1) / rr.mean(), abs=0.01)


def test_fibrillation_is_irregular_and_sinus_rhythm_is_not():
    fibrillating = [in_window(atrial_fibrillation(30, seed=seed))["RR irregularity"] for seed in range(3)]
    regular = [in_window(sinus(30, seed=seed))["RR irregularity"] for seed in range(3)]
    assert min(fibrillating) > 0.15
    assert max(regular) < 0.06


def trapezoid(width, *, rise=0.03, height=1.0):
    """A complex with straight flanks, from flat to flat in `width` s."""
    t = (np.arange(round(0.4 * FS) + 1) - round(0.2 * FS)) / FS
    return height * np.interp(t, [-width / 2, -width / 2 + rise, width / 2 - rise, width / 2], [0, 1, -0.4, 0])


@given(width=st.floats(0.07, 0.18), height=st.floats(0.05, 5).flatmap(lambda h: st.sampled_from([h, -h])))
@settings(max_examples=50, deadline=None)
def test_a_complex_of_known_width_is_measured_whatever_its_height(width, height):
    found = qrs_width(trapezoid(width, height=height))
    assert found == pytest.approx(width, abs=0.014)  # the smoothing of the slope reaches 8 ms
    assert qrs_width(trapezoid(width, height=height) + 3.0) == pytest.approx(found, abs=0.005)


def test_a_complex_without_ends_has_no_width():
    assert qrs_width(np.sin(np.arange(201) / 8)) is None


@pytest.mark.parametrize("fs", [250.0, 500.0])
def test_width_and_rate_do_not_depend_on_rate_or_gain(fs):
    clean = Artefacts(wander=0, muscle=0, mains=0, settling=0)
    one, other = (in_window(sinus(20, rate, seed=4, artefacts=clean)) for rate in (1000.0, fs))
    assert other["QRS width"] == pytest.approx(one["QRS width"], abs=0.006)
    assert other["heart rate"] == pytest.approx(one["heart rate"], rel=0.005)
    doubled = 2 * sinus(20, fs, seed=4, artefacts=clean).samples() + 1
    assert in_window(Recording.from_array(doubled, fs, channels=("I",), units="mV")) == pytest.approx(other)


def test_a_stretch_has_the_intervals_and_beats_that_fall_in_it():
    recording = sinus(20, heart_rate=60, seed=2)
    beats = [a.start for a in recording.annotations if a.text == "beat"]
    around, between = (beats[5] - 1.0, beats[6] + 1.0), (beats[8] + 0.1, beats[10] + 0.3)
    found = measured(recording, [around, between, (3.0, 15.0)])
    assert found["heart rate", around] == pytest.approx(180 / (beats[7] - beats[4]), rel=0.02)
    assert found["heart rate", between] == pytest.approx(180 / (beats[11] - beats[8]), rel=0.02)
    assert found["QRS width", around] is not None
    assert found["RR irregularity", (3.0, 15.0)] is not None
    assert ("SDNN", around) not in found


@pytest.mark.parametrize(("seconds", "measures"), [(0.24, False), (1.99, False), (2.0, True)])
def test_a_stretch_too_short_for_a_number_has_none(seconds, measures):
    recording = sinus(20, heart_rate=90, seed=2)
    where = (5.0, 5.0 + seconds)
    found = measure(excerpt(finding_on(recording), recording), [where])
    there = {one.name: one for one in found if one.where == where}
    assert there.keys() == {"heart rate", "RR irregularity", "QRS width"}
    assert {one.too_short for one in there.values()} == {not measures}
    assert all((one.value is not None) is measures for one in there.values())


def test_of_the_judged_beat_the_width_and_the_intervals_beside_it_are_measured(data):
    recording = Recording.read(data / "mitdb" / "119.hea").choose((("MLII",),), "mV")
    beats = [beat for beat in annotated_beats(recording) if beat.time < 60]
    ventricular = [i for i, beat in enumerate(beats) if beat.symbol == "V" and beat.time > 5][:5]
    for i in ventricular:
        before, at, after = (beat.time for beat in beats[i - 1 : i + 2])
        window = WindowSpan(start=at - 5, stop=at + 5, beat=at)
        found = in_window(recording, start=at - 5, stop=at + 5, window=window)
        assert found["RR interval before the judged beat"] == pytest.approx(at - before, abs=0.1)
        assert found["RR interval after the judged beat"] == pytest.approx(after - at, abs=0.1)
        assert found["QRS width of the judged beat"] > 0.12
        normal = window.model_copy(update={"beat": before})
        assert in_window(recording, start=at - 5, stop=at + 5, window=normal)["QRS width of the judged beat"] < 0.12
    between = window.model_copy(update={"beat": (at + after) / 2})
    found = in_window(recording, start=at - 5, stop=at + 5, window=between)
    assert [value for name, value in found.items() if "judged" in name] == [None, None, None]


def test_the_first_beat_has_none_before_it():
    recording = sinus(20, heart_rate=60, seed=2)
    beats = [a.start for a in recording.annotations if a.text == "beat" and a.start > 0.5]
    found = in_window(recording, window=WindowSpan(start=0, stop=20, beat=beats[0]))
    assert found["RR interval before the judged beat"] is None
    assert found["RR interval after the judged beat"] == pytest.approx(beats[1] - beats[0], abs=0.02)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(6000), np.full(6000, np.nan), np.full(6000, 0.7), noise(20, seed=3).samples()[0], np.zeros(600),
        np.random.default_rng(0).normal(0, 0.2, 6000), np.sin(np.arange(6000) / 20),
    ],
    ids=["zeros", "missing", "constant", "noise", "short", "white", "sine"],
)  # fmt: skip
def test_where_no_beats_can_be_told_nothing_is_measured(samples):
    found = in_window(Recording.from_array(samples, 300, channels=("I",), units="mV"))
    assert {name: value for name, value in found.items() if value is not None} == {}


def test_missing_samples_are_bridged():
    x = sinus(30, seed=1).samples().copy()
    whole = in_window(sinus(30, seed=1))
    x[0, 3000:3010] = np.nan
    holed = in_window(Recording.from_array(x, 300, channels=("I",), units="mV"))
    assert holed["heart rate"] == pytest.approx(whole["heart rate"], rel=0.02)


def test_of_several_leads_the_judged_one_is_measured():
    x = np.concatenate([noise(20, seed=1).samples(), sinus(20, heart_rate=60, seed=1).samples()])
    recording = Recording.from_array(x, 300, channels=("V1", "II"), units="mV")
    assert in_window(recording, channels=("V1",))["heart rate"] is None
    assert in_window(recording, channels=("II",))["heart rate"] == pytest.approx(60, abs=2)
    assert in_window(recording)["heart rate"] == pytest.approx(60, abs=2)  # both judged: rhythm is read in lead II


def medians(data, record, symbol):
    """QRS widths of one kind of beat, in five half minutes of a record."""
    recording = Recording.read(data / "mitdb" / f"{record}.hea").choose((("MLII", "II"),), "mV")
    times = np.array([beat.time for beat in annotated_beats(recording) if beat.symbol == symbol])
    found = []
    for start in range(0, 150, 30):
        part = recording.samples(round(start * recording.fs), round((start + 30) * recording.fs))
        beats = Beats(Recording.from_array(part, recording.fs, channels=("II",), units="mV"))
        own = times[(times > start + 0.3) & (times < start + 29.7)] - start
        widths = [beats.width_at(t) for t in own]
        found += [width for width in widths if width is not None]
    return found


@pytest.mark.parametrize(
    ("record", "symbol", "low", "high"),
    [("101", "N", 0.05, 0.11), ("115", "N", 0.05, 0.11), ("109", "L", 0.12, 0.2), ("124", "R", 0.12, 0.2),
     ("119", "N", 0.05, 0.11), ("119", "V", 0.13, 0.2)],
)  # fmt: skip
def test_bundle_branch_block_and_ventricular_beats_are_wide_in_annotated_records(data, record, symbol, low, high):
    found = medians(data, record, symbol)
    assert len(found) > 30
    assert low < np.median(found) < high


@pytest.mark.parametrize("band", BANDS)
def test_a_sine_has_its_power_in_its_own_band(band):
    low, high = BANDS[band]
    t = np.arange(3000) / 100
    channel = Channel(20 * np.sin(2 * np.pi * (low + high) / 2 * t), 100.0)
    shares = {name: channel.share(edges, None) for name, edges in BANDS.items()}
    assert shares[band] > 0.95
    assert sum(shares.values()) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(4))
def test_spindles_and_slow_waves_are_found_where_they_were_put(seed):
    night = sleep_eeg(["W", "N1", "N2", "N3", "REM"], seed=seed)
    spindles, slow = {}, {}
    for i, stage in enumerate(("W", "N1", "N2", "N3", "REM")):
        part = Channel(night.samples(3000 * i, 3000 * (i + 1))[0].astype(float), 100.0)
        spindles[stage], slow[stage] = part.spindles, len(part.slow_waves)
    true = [(a.start - 60, a.start - 60 + a.duration) for a in night.annotations if a.text == "spindle"]
    met = [any(a < stop and b > start for a, b in spindles["N2"]) for start, stop in true]
    assert sum(met) >= 0.75 * len(true)
    assert abs(len(spindles["N2"]) - len(true)) <= 1
    assert max(len(spindles[stage]) for stage in ("W", "N1", "N3", "REM")) <= 1
    assert slow["N3"] >= 10
    assert max(slow[stage] for stage in ("W", "N1", "REM")) <= 1


@pytest.mark.parametrize(("height", "expected"), [(55, 0), (110, 6)])
def test_a_slow_wave_has_more_than_75_microvolts(height, expected):
    t = np.arange(3000) / 100
    x = np.random.default_rng(0).normal(0, 2, 3000)
    for at in np.arange(2.5, 30, 5.0):
        inside = (t >= at) & (t < at + 1)
        x[inside] -= height / 2 * np.sin(2 * np.pi * (t[inside] - at))
    assert len(Channel(x, 100.0).slow_waves) == expected


def test_of_an_eeg_each_channel_is_measured_and_no_eye():
    found = measured(sleep_eeg(["N2"]), [(5.0, 6.0), (5.0, 9.0)])
    assert not [name for name, _ in found if "EOG" in name]
    assert 0 < found["relative delta power in EEG Pz-Oz", None] < 1
    assert found["spindles in EEG Fpz-Cz", None] == pytest.approx(round(found["spindles in EEG Fpz-Cz", None]))
    assert found["relative delta power in EEG Fpz-Cz", (5.0, 6.0)] is None
    assert found["relative delta power in EEG Fpz-Cz", (5.0, 9.0)] is not None
    assert found["number of slow waves in EEG Fpz-Cz", (5.0, 6.0)] in {0, 1}
    counted = [measured(sleep_eeg(["N2"]), [(0.0, 30.0)])["number of spindles in EEG Fpz-Cz", (0.0, 30.0)]]
    assert counted == [found["spindles in EEG Fpz-Cz", None] / 2]


@pytest.mark.parametrize("x", [np.zeros(3000), np.full(3000, 5.0), np.full(3000, np.nan)])
def test_of_a_dead_eeg_nothing_is_measured(x):
    recording = Recording.from_array(x, 100, channels=("EEG Fpz-Cz",), units="uV")
    assert set(measured(recording, [(0.0, 9.0)]).values()) == {None}


def test_numbers_are_written_without_noise():
    said = [str(Measurement(name="x", value=v, unit="s", how="")) for v in (0.123456, 1234.5, None)]
    assert said == ["x 0.123 s", "x 1234 s", "x could not be measured"]
    assert number(123456.0) == "1.23e+05"  # five digits in a row look like a number that names somebody
