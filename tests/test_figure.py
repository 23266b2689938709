"""Figures: true to scale, complete in what they say, the same bytes every time, whole or absent."""

import io
import re

import numpy as np
import PIL.Image
import pytest

from auricle.errors import InputError
from auricle.figure import draw, png, printable, title_of
from auricle.finding import Evidence, Finding, QualityNote, SpecialistName, WindowSpan, segments_of
from auricle.signals import Recording
from auricle.signals.simulate import Artefacts, sinus, sleep_eeg

DOTS = 5  # per mm
BLUE, ORANGE = (31, 95, 191), (201, 106, 0)


def finding_on(recording, *, inside=("A",), stop=None, start=0.0, values=None, labels=("N", "A", "O"), **changes):
    stop = recording.duration if stop is None else stop
    step = 0.05
    if values is None:
        values = np.zeros((len(labels), round((stop - start) / step)))
        values[:, 40:44] = 0.1
        values[:, 60:64] = -0.1
    evidence = Evidence(labels=labels, values=values, step=step, start=start)
    p = {label: 0.5 if label in inside else 0.05 for label in labels}
    state = {0: "unfamiliar", 1: "confident"}.get(len(inside), "uncertain")
    scores = {label: 1.0 if label in inside else -1.0 for label in labels}
    top = max(scores, key=scores.get)
    return Finding(
        **{
            "specialist": SpecialistName(name="af", version="1", hash="0123456789abcdef"),
            "recording": recording.id,
            "window": WindowSpan(start=start, stop=stop),
            "alpha": 0.1,
            "labels": labels,
            "set": inside,
            "state": state,
            "top": top,
            "scores": scores,
            "p_values": p,
            "segments": {label: segments_of(evidence.of(label), start, step) for label in inside or (top,)},
            "evidence_step": step,
            "simulated": recording.simulated,
            "evidence": evidence,
        }
        | changes
    )


def words(figure):
    own = [text.get_text() for text in figure.texts]
    return "\n".join(own + [text.get_text() for axes in figure.axes for text in axes.texts])


def pixels(figure):
    return np.asarray(PIL.Image.open(io.BytesIO(png(figure))).convert("RGB")).astype(int)


def flat(duration=10.0, fs=500.0, level=0.0):
    return Recording.from_array(np.full((1, round(duration * fs)), level), fs, channels=("I",), units="mV", id="flat")


def test_ecg_paper_is_true_to_scale():
    spike = np.zeros((1, 5000), np.float32)
    spike[0, 1000:1002] = 1.0  # 1 mV at 2 s
    spike[0, 3000:3002] = 1.0  # 1 mV at 6 s
    recording = Recording.from_array(spike, 500, channels=("I",), units="mV", id="spikes")
    figure = draw(recording, finding_on(recording))
    width, height = figure.get_size_inches() * 25.4
    image = pixels(figure)
    assert image.shape[:2] == (pytest.approx(height * DOTS, abs=1), pytest.approx(width * DOTS, abs=1))

    (strip,) = [axes for axes in figure.axes if axes.lines]
    place = strip.get_position()
    seconds, millivolts = np.ptp(strip.get_xlim()), np.ptp(strip.get_ylim())
    assert place.width * width / seconds == pytest.approx(25.0)
    assert place.height * height / millivolts == pytest.approx(10.0)

    # And in the pixels: the spikes are 4 s = 100 mm apart and 10 mm tall.
    dark = image.max(axis=2) < 90
    left = round((place.x0 * width + 0.6 * 25) * DOTS)
    top, bottom = ((1 - place.y1) * height * DOTS, (1 - place.y0) * height * DOTS)
    trace = dark[round(top) + 5 : round(bottom) - 8, left:]
    tall = np.flatnonzero(trace.sum(axis=0) > 30)
    groups = np.split(tall, np.flatnonzero(np.diff(tall) > 20) + 1)
    assert len(groups) == 2
    assert groups[1].mean() - groups[0].mean() == pytest.approx(100 * DOTS, abs=2)
    rows = np.flatnonzero(trace[:, groups[0]].any(axis=1))
    assert np.ptp(rows) == pytest.approx(10 * DOTS, abs=4)


def test_grid_lines_stand_every_millimetre():
    recording = flat()
    image = pixels(draw(recording, finding_on(recording, values=np.zeros((3, 200)))))
    figure = draw(recording, finding_on(recording))
    (strip,) = [axes for axes in figure.axes if axes.lines]
    height = figure.get_size_inches()[1] * 25.4
    row = image[round((1 - strip.get_position().y1) * height * DOTS) + 12, 80:-40]  # right of the name of the lead
    pink = np.flatnonzero(row[:, 1] < 240)
    assert set(np.diff(pink)) == {DOTS}
    assert len(pink) >= 220


def test_the_calibration_pulse_is_one_millivolt_and_a_fifth_of_a_second():
    figure = draw(flat(), finding_on(flat()))
    pulse = next(line for axes in figure.axes for line in axes.lines if line.get_xdata()[0] < 0)
    x, y = np.asarray(pulse.get_xdata()), np.asarray(pulse.get_ydata())
    assert np.ptp(y) == 1
    assert np.ptp(x[y == 1]) == pytest.approx(0.2)


@pytest.mark.parametrize(("peak", "gain", "leaves"), [(2.4, 10, False), (4.9, 5, False), (5.1, 10, True)])
def test_a_trace_that_would_leave_the_paper_is_drawn_at_half_gain_if_that_helps(peak, gain, leaves):
    recording = flat(5.0)
    samples = recording.samples().copy()
    samples[0, 1000:1010] = -peak
    recording = Recording.from_array(samples, 500, channels=("I",), units="mV", id="flat")
    figure = draw(recording, finding_on(recording, inside=("N",)))
    said = words(figure)
    assert ("the trace leaves the paper" in said) is leaves
    assert ("5\nmm/mV" in said) is (gain == 5)
    assert f"25 mm/s, {gain} mm/mV; a small square is 0.04 s by {1 / gain:g} mV" in said
    strip = next(axes for axes in figure.axes if axes.lines)
    pulse = max(strip.lines, key=lambda line: len(line.get_xdata()) == 6).get_ydata()
    tall = strip.get_position().height * figure.get_size_inches()[1] * 25.4
    low, high = strip.get_ylim()
    assert (max(pulse), min(pulse)) == (1, 0)
    assert tall / (high - low) == pytest.approx(gain)
    squares = strip.collections[0].get_segments()
    levels = np.unique([line[0][1] for line in squares if line[0][1] == line[1][1]])
    assert np.diff(levels) == pytest.approx(1 / gain)


@pytest.mark.parametrize(("start", "expected"), [(0.0, range(6)), (3.87222, range(4, 9)), (4.999, range(5, 10))])
def test_times_are_whole_seconds_on_bold_lines(start, expected):
    recording = flat(20.0)
    figure = draw(recording, finding_on(recording, inside=("N",), start=start, stop=start + 5))
    ticks = [text for text in figure.texts if re.fullmatch(r"[\d.]+ s", text.get_text())]
    assert [text.get_text() for text in ticks] == [f"{t} s" for t in expected]
    strip = next(axes for axes in figure.axes if axes.lines)
    bold = {round(line[0][0], 2) for line in strip.collections[1].get_segments() if line[0][0] == line[1][0]}
    assert all(min(abs(t - start - x) for x in bold) < 0.015 for t in expected)  # to a dot and a half


def test_a_title_too_long_for_its_line_leaves_the_names_out():
    recording = flat()
    names = {"N": 40 * "normal ", "A": 40 * "atrial "}
    said = words(draw(recording, finding_on(recording, inside=("N", "A")), names=names)).splitlines()
    assert said[0] == "Uncertain: N and A can't be ruled out (alpha 0.1)"


def test_evidence_is_blue_where_it_speaks_for_and_orange_where_against():
    recording = flat()
    values = np.zeros((3, 200))
    values[1, 60:80] = 0.2  # 3 to 4 s
    values[1, 120:140] = -0.2  # 6 to 7 s
    figure = draw(recording, finding_on(recording, values=values))
    image = pixels(figure)
    (strip,) = [axes for axes in figure.axes if axes.lines]
    width, height = figure.get_size_inches() * 25.4
    y = round((1 - strip.get_position().y1) * height * DOTS) + 13  # between two lines of the paper

    def colour_at(second):
        x = (strip.get_position().x0 * width + (0.4 + second) * 25) * DOTS
        return np.median(image[y - 1 : y + 2, round(x) - 8 : round(x) + 9].reshape(-1, 3), axis=0)

    blend = [0.6 * np.array(c) + 0.4 * 255 for c in (BLUE, ORANGE)]
    np.testing.assert_allclose(colour_at(3.51), blend[0], atol=12)
    np.testing.assert_allclose(colour_at(6.51), blend[1], atol=12)
    np.testing.assert_allclose(colour_at(5.01), 255, atol=3)


def grey(figure):
    return [patch for axes in figure.axes for patch in axes.patches if patch.get_facecolor()[:3] == (0.4, 0.4, 0.4)]


def test_a_doubt_about_the_whole_window_hides_nothing_and_is_named_once():
    recording = sinus(10, seed=1)
    notes = [QualityNote(kind=kind, start=0, stop=stop) for kind, stop in (("gain", 10), ("rate", 10), ("dropout", 2))]
    figure = draw(recording, finding_on(recording, quality=tuple(notes)))
    assert "gain, rate, dropout" in words(figure)
    assert len(grey(figure)) == len(grey(draw(recording, finding_on(recording, quality=(notes[2],))))) > 0
    assert not grey(draw(recording, finding_on(recording, quality=tuple(notes[:2]))))


def test_everything_that_matters_is_said_in_words():
    recording = sinus(20, seed=1)
    note = QualityNote(kind="clipping", start=12, stop=14, text="at 2 mV")
    figure = draw(
        recording,
        finding_on(recording, inside=("N", "A"), quality=(note,)),
        names={"N": "normal rhythm", "A": "atrial fibrillation"},
    )
    said = words(figure)
    for part in (
        "Uncertain: N (normal rhythm) and A (atrial fibrillation) can't be ruled out (alpha 0.1)",
        "simulated-sinus-1, 0 s to 20 s, judged by af 1 0123456789ab",
        "p-values: N 0.5, A 0.5, O 0.05. A label is in the set when its p-value is above 0.1.",
        "SIMULATED",
        "Evidence for N (normal rhythm)",
        "Evidence for A (atrial fibrillation)",
        "25 mm/s, 10 mm/mV",
        "clipping",
        "speaks for",
        "speaks against",
        "Not a medical device",
        "19 s",
        "lead I",
    ):
        assert part in said
    assert "Evidence for O" not in said


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"inside": ("A",)}, "Confident: only A can't be ruled out (alpha 0.1)"),
        ({"inside": ("N", "A", "O")}, "Uncertain: N, A and O can't be ruled out (alpha 0.1)"),
        ({"inside": ()}, "Unfamiliar: every label that can be judged is ruled out (alpha 0.1)"),
        (
            {"inside": ("A",), "uncovered": ("A",), "state": "unfamiliar"},
            "Unfamiliar: every label that can be judged is ruled out; A stands in every set (alpha 0.1)",
        ),
        (
            {"inside": ("N", "A", "O"), "uncovered": ("N", "A", "O"), "state": "uncalibrated"},
            "Uncalibrated: no label has enough calibration samples, so nothing is promised (alpha 0.1)",
        ),
    ],
)
def test_every_state_has_a_plain_sentence(changes, title):
    assert title_of(finding_on(flat(), **changes)) == title


def test_an_unfamiliar_window_shows_the_top_label_and_says_so():
    said = words(draw(flat(), finding_on(flat(), inside=())))
    assert "Evidence for N" in said
    assert "the highest score, but not in the set, p = 0.05" in said


def test_labels_can_be_chosen():
    said = words(draw(flat(), finding_on(flat()), labels=["O", "N"]))
    assert "Evidence for O" in said
    assert "Evidence for A" not in said
    assert "not in the set" in said


def test_without_the_evidence_array_the_segments_are_shaded():
    finding = Finding.from_json(finding_on(flat()).to_json())
    image = pixels(draw(flat(), finding))
    blend = 0.35 * np.array(BLUE) + 0.65 * 255
    assert (np.abs(image - blend).max(axis=2) < 8).sum() > 800


def test_eeg_stands_at_a_fixed_microvolt_scale_with_guides():
    night = sleep_eeg(["N2", "N3"], seed=1)
    figure = draw(night, finding_on(night, start=30.0, stop=60.0, labels=("W", "N1", "N3"), inside=("N3",)))
    strips = [axes for axes in figure.axes if axes.lines]
    assert len(strips) == 3
    width, height = figure.get_size_inches() * 25.4
    for strip in strips:
        assert strip.get_position().height * height / np.ptp(strip.get_ylim()) == pytest.approx(0.12)
        assert strip.get_position().width * width / np.ptp(strip.get_xlim()) == pytest.approx(8.0)
    bar = next(line for line in strips[0].lines if line.get_xdata()[0] < 0)
    assert np.ptp(bar.get_ydata()) == 100
    said = words(figure)
    assert "bar 100 \u03bcV" in said
    assert "EEG Fpz-Cz" in said
    assert "30 s" in said


def test_twelve_leads_are_stacked_and_channels_can_be_named_by_the_finding():
    x = sinus(10, seed=1).samples()[0]
    leads = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    recording = Recording.from_array(np.stack([x] * 12), 300, channels=leads, units="mV", id="twelve")
    everything = draw(recording, finding_on(recording))
    assert len([axes for axes in everything.axes if axes.lines]) == 12
    one = draw(recording, finding_on(recording, channels=("V2",)))
    assert len([axes for axes in one.axes if axes.lines]) == 1
    assert "V2" in words(one)


def test_units_are_converted():
    volts = Recording.from_array(sinus(10, seed=1).samples() / 1000, 300, channels=("I",), units="V", id="volts")
    (strip,) = [axes for axes in draw(volts, finding_on(volts)).axes if axes.lines]
    assert max(line.get_ydata().max() for line in strip.lines) == pytest.approx(1.0, abs=0.3)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_equal_input_gives_equal_bytes(tmp_path, suffix):
    recording = sinus(10, seed=1)
    files = [tmp_path / f"{i}{suffix}" for i in range(2)]
    for file in files:
        draw(recording, finding_on(recording), path=file)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_thirty_seconds_take_less_than_a_quarter_megabyte():
    recording = sinus(30, seed=1)
    noisy = np.random.default_rng(0).normal(0, 0.1, (3, 600))
    assert len(png(draw(recording, finding_on(recording, inside=("N", "A"), values=noisy)))) < 250_000


def test_colours_survive_the_palette():
    recording = sinus(10, seed=1)
    figure = draw(recording, finding_on(recording))
    figure.canvas.draw()
    true = np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)
    error = np.abs(pixels(figure) - true).max(axis=2)
    assert (error <= 8).mean() > 0.99
    assert error.max() < 64


@pytest.mark.parametrize(
    "name", ["$\\frac{1}{0", "<b>bold</b> & more", "line\nbreak\t\x07", "\u5fc3\u96fb\u56f3", "x" * 500, ""]
)
def test_a_recording_may_be_called_anything(name):
    recording = Recording.from_array(np.zeros((1, 3000)), 300, channels=("$x^",), units="mV", id=name)
    said = words(draw(recording, finding_on(recording)))
    assert printable(name, 60) in said
    assert all(len(line) < 200 for line in said.splitlines())


@pytest.mark.parametrize("content", ["nan", "huge", "one channel of NaN"])
def test_hard_signals_are_drawn(content):
    x = np.zeros((2, 3000))
    x[0, ::7] = np.nan
    if content == "huge":
        x[:] = np.sin(np.arange(3000)) * 1e4
    elif content == "one channel of NaN":
        x[1] = np.nan
    recording = Recording.from_array(x, 300, channels=("I", "II"), units="mV", id="hard")
    figure = draw(recording, finding_on(recording))
    assert len(png(figure)) > 5000
    assert ("the trace leaves the paper" in words(figure)) == (content == "huge")
    assert figure.get_size_inches()[1] * 25.4 < 200


def test_three_seconds_leave_room_for_the_words():
    recording = sinus(3, seed=1)
    figure = draw(recording, finding_on(recording, values=np.zeros((3, 60))))
    assert figure.get_size_inches()[0] * 25.4 > 180
    canvas = figure.canvas
    canvas.draw()
    for text in figure.texts:
        assert text.get_window_extent().x1 <= figure.bbox.x1 + 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: draw(sinus(10, id="other"), finding_on(r)), "is about recording 'flat', but 'other' was given"),
        (
            lambda r: draw(r, finding_on(r, start=5.0, stop=15.0)),
            "is about 5 to 15 s, but recording 'flat' lasts 10 s; give the recording that the finding was made of",
        ),
        (lambda r: draw(r, finding_on(r), labels=["X"]), "'X' was asked for; the labels of the finding are N, A, O"),
        (lambda r: draw(r, finding_on(r), labels=[]), "no label was asked for"),
        (lambda r: draw(r, finding_on(r), path="x.gif"), "can't be written to 'x.gif'; the name must end in .png"),
        (lambda r: draw(r, finding_on(r), path="/nowhere/x.png"), "/nowhere/x.png can't be written: No such file"),
        (
            lambda _: draw(flat(6000, 50), finding_on(flat(6000, 50))),
            r"the page would be 1\d m long; draw fewer labels",
        ),
    ],
)
def test_bad_input_is_answered_with_a_sentence(call, message):
    with pytest.raises(InputError, match=message):
        call(flat())


def test_a_unit_that_is_no_voltage_is_refused():
    recording = Recording.from_array(np.zeros((1, 3000)), 300, channels=("I",), units="degC", id="warm")
    with pytest.raises(InputError, match="no voltage"):
        draw(recording, finding_on(recording))


def test_the_plain_artefacts_are_kept_out_of_the_way():
    clean = sinus(10, artefacts=Artefacts(wander=0, muscle=0, mains=0, settling=0), seed=1)
    assert "the trace leaves the paper" not in words(draw(clean, finding_on(clean)))
