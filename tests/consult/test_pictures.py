"""Pictures of a window: true to scale, of a megapixel, the same bytes every time, without names or answers."""

import hashlib
import io
import struct
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
from matplotlib.text import Text

from auricle.consult.excerpt import excerpt
from auricle.consult.leads import lead_name
from auricle.consult.pictures import LONGEST, MOST_PIXELS, picture
from auricle.errors import InputError
from auricle.figure import ECG, EEG, TWELVE, Sheet
from auricle.finding import QualityNote, WindowSpan
from auricle.signals import Recording
from auricle.signals.simulate import sinus, sleep_eeg
from window_findings import finding_on


def pixels(png):
    return np.asarray(PIL.Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def sheet_of(window, *, label=None, dots=5):
    return Sheet(
        window.finding, ECG if window.kind == "ECG" else EEG, window.recording.channels, window.recording.samples(),
        window.recording.fs, judged=window.judged, label=label, title="a title", dots=dots,
    )  # fmt: skip


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def twelve(seconds=10.0, fs=250.0):
    samples = np.random.default_rng(0).normal(0, 0.1, (12, round(seconds * fs)))
    return Recording.from_array(samples, fs, channels=TWELVE[::-1], units="mV", id="twelve")


def test_both_axes_have_the_same_pixels_per_millimetre():
    x = np.zeros((1, 5000), np.float32)
    x[0, 1000:1002] = x[0, 3000:3002] = 1.0  # spikes of 1 mV at 2 and 6 s
    recording = Recording.from_array(x, 500, channels=("I",), units="mV", id="spikes")
    window = excerpt(finding_on(recording), recording)
    image = pixels(picture(window))
    dots = 5
    figure = sheet_of(window, dots=dots).lay_out()
    assert image.shape[:2] == tuple(np.round(figure.get_size_inches()[::-1] * 25.4 * dots).astype(int))
    (strip,) = [axes for axes in figure.axes if axes.lines]
    top, bottom = ((1 - edge) * image.shape[0] for edge in (strip.get_position().y1, strip.get_position().y0))
    dark = image.max(axis=2)[round(top) + 4 : round(bottom) - 4, 120:] < 90  # right of name and pulse
    tall = np.flatnonzero(dark.sum(axis=0) > 30)
    first, second = np.split(tall, np.flatnonzero(np.diff(tall) > 20) + 1)
    assert second.mean() - first.mean() == pytest.approx(4 * 25 * dots, abs=2)
    assert np.ptp(np.flatnonzero(dark[:, first].any(axis=1))) == pytest.approx(10 * dots, abs=4)


@pytest.mark.parametrize("seconds", [2.5, 30.0, 61.0])
def test_a_picture_has_at_most_a_megapixel(seconds):
    recording = sinus(seconds, seed=1)
    height, width = pixels(picture(excerpt(finding_on(recording, at={"A": 0.5}), recording), label="A")).shape[:2]
    assert width * height <= MOST_PIXELS
    assert max(width, height) <= LONGEST


@pytest.mark.parametrize("dots", [3, 4, 5, 6])
def test_letters_are_legible_at_every_resolution(dots):
    recording = sleep_eeg(["N2"])
    figure = sheet_of(excerpt(finding_on(recording), recording), label="A", dots=dots).lay_out()
    figure.canvas.draw()
    # An em of 11.4 pixels has capitals of eight, at every resolution.
    for text in figure.findobj(Text):
        if text.get_text() and text.get_visible():
            assert text.get_fontsize() * dots * 25.4 / 72 >= 11.4, text.get_text()
            box = text.get_window_extent()
            assert box.x1 <= figure.bbox.x1 + 1, text.get_text()
            assert box.y0 >= 0, text.get_text()


def test_equal_windows_give_equal_bytes_here_and_in_another_process():
    recording = sinus(4, seed=1)
    made = [picture(excerpt(finding_on(recording), recording), label="A") for _ in range(2)]
    assert made[0] == made[1]
    script = (
        "import hashlib; from auricle.consult.excerpt import excerpt; from auricle.consult.pictures import picture\n"
        "from auricle.signals.simulate import sinus; from window_findings import finding_on\n"
        "r = sinus(4, seed=1)\n"
        "print(hashlib.sha256(picture(excerpt(finding_on(r), r), label='A')).hexdigest())"
    )
    paths = f"import sys; sys.path[:0] = {sys.path!r}\n"
    run = subprocess.run([sys.executable, "-c", paths + script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == hashlib.sha256(made[0]).hexdigest()


def test_a_file_holds_pixels_and_nothing_else():
    png = picture(excerpt(finding_on(sinus(4, seed=1)), sinus(4, seed=1)))
    kinds, at = set(), 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kinds.add(png[at + 4 : at + 8])
        at += 12 + length
    assert kinds == {b"IHDR", b"PLTE", b"pHYs", b"IDAT", b"IEND"}


def test_the_plain_picture_tells_nothing_of_what_was_found():
    recording = sinus(6, seed=1)
    one = finding_on(recording, inside=("N",))
    other = finding_on(recording, inside=("A", "O"), at={"A": 3.0})
    assert picture(excerpt(one, recording)) == picture(excerpt(other, recording))
    said = " ".join(words(sheet_of(excerpt(other, recording)).lay_out()))
    assert "speaks" not in said
    assert "Evidence" not in said


def test_no_name_of_the_recording_is_drawn():
    recording = sinus(6, seed=1, id="jane-doe-7")
    samples = recording.samples()
    named = Recording.from_array(samples, 300, channels=("Jane Doe",), units="mV", id="jane-doe-7", simulated=True)
    for one in (recording, named):
        window = excerpt(finding_on(one), one)
        said = " ".join(words(sheet_of(window, label="A").lay_out())).lower()
        assert not [name for name in ("jane", "doe", "hearts", "0123456789") if name in said]
    assert "channel 1" in said


def test_a_picture_of_evidence_shades_its_own_label_alone():
    recording = Recording.from_array(np.zeros((1, 2500)), 250, channels=("I",), units="mV", id="flat")
    finding = finding_on(recording, at={"N": 2.0, "A": 6.0})
    images = [pixels(picture(excerpt(finding, recording), label=label)) for label in ("N", "A")]

    def blue_at(image, second):
        x = round((4 + (0.4 + second) * 25) * 5)
        part = image[60:100, x - 10 : x + 10].reshape(-1, 3)
        return (part[:, 2] - part[:, 0]).mean() > 40

    assert [[blue_at(image, second) for second in (2.5, 6.5, 8.5)] for image in images] == [
        [True, False, False], [False, True, False],
    ]  # fmt: skip


def test_twelve_leads_stand_in_the_usual_layout():
    recording = twelve()
    window = excerpt(finding_on(recording), recording)
    assert window.recording.channels == TWELVE
    figure = sheet_of(window).lay_out()
    strips = [axes for axes in figure.axes if axes.lines]
    names = [text.get_text().removeprefix("lead ") for axes in strips for text in axes.texts]
    assert names == ["I", "aVR", "V1", "V4", "II", "aVL", "V2", "V5", "III", "aVF", "V3", "V6", "II"]
    rows = np.array([round(axes.get_position().y1, 6) for axes in strips[:12]]).reshape(3, 4)
    assert (rows == rows[:, :1]).all()
    # A column goes on where the one before it ended, on the same clock as the rhythm strip.
    width = figure.get_size_inches()[0] * 25.4
    edges = [axes.get_position().x1 * width for axes in strips[:4]]
    np.testing.assert_allclose(np.diff(edges), 2.5 * 25)
    assert strips[12].get_position().x1 * width == pytest.approx(edges[-1])


def test_of_twelve_leads_with_one_judged_that_one_has_the_evidence_and_the_rhythm_strip():
    recording = twelve()
    window = excerpt(finding_on(recording, channels=("V2",)), recording)
    assert [window.recording.channels[row] for row in window.judged] == ["V2"]
    strips = [axes for axes in sheet_of(window, label="N").lay_out().axes if axes.lines]
    assert [bool(axes.images) for axes in strips] == [axes in (strips[6], strips[12]) for axes in strips]
    assert strips[12].texts[0].get_text() == "V2"


def test_two_leads_of_one_name_are_no_standard_ecg():
    samples = twelve().samples()
    names = (*TWELVE[:11], "I ")
    recording = Recording.from_array(samples, 250, channels=names, units="mV", id="double")
    window = excerpt(finding_on(recording, channels=("II",)), recording)
    assert window.recording.channels == ("II",)


def test_the_judged_beat_is_pointed_at_and_doubts_are_named():
    recording = sinus(5, seed=1)
    note = QualityNote(kind="clipping", start=1, stop=2, text="Jane Doe")
    made_up = QualityNote(kind="Jane Doe", start=3, stop=4)
    finding = finding_on(
        recording, window=WindowSpan(start=0, stop=5, beat=2.5), quality=(note, made_up), evidence=None
    )  # fmt: skip
    figure = sheet_of(excerpt(finding, recording)).lay_out()
    assert [float(line.get_xdata()[0]) for axes in figure.axes for line in axes.lines if line.get_marker() == "v"] == [
        2.5
    ]
    said = " ".join(words(figure))
    assert "clipping" in said
    assert "Jane" not in said


def test_an_eeg_has_a_microvolt_scale_and_an_epoch_a_row():
    recording = sleep_eeg(["N2", "N3"])
    window = excerpt(finding_on(recording, start=30.0, stop=60.0), recording)
    assert (window.kind, window.recording.units) == ("EEG", ("uV",) * 3)
    figure = sheet_of(window).lay_out()
    assert len([axes for axes in figure.axes if axes.lines]) == 3
    said = words(figure)
    assert any("+75 and -75" in text and "bar 100" in text for text in said)
    assert {"0 s", "30 s"} <= set(said)  # times are those of the window


def test_an_ecg_in_microvolts_is_drawn_as_an_ecg():
    recording = Recording.from_array(1000 * sinus(5).samples(), 300, channels=("V2",), units="uV", id="uv")
    window = excerpt(finding_on(recording), recording)
    assert (window.kind, window.recording.units) == ("ECG", ("mV",))


def test_what_is_too_large_for_a_megapixel_is_refused_with_advice():
    recording = sinus(400, fs=100, seed=1)
    with pytest.raises(
        InputError, match=r"400 s and 1 channels would need .* Brief without pictures \(--show none\), or judge"
    ):
        picture(excerpt(finding_on(recording), recording))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (sinus(5, id="another"), r"about recording 'another', but 'r' was given"),
        (sinus(9, id="r"), r"about 0 to 9 s, but recording 'r' lasts 5 s"),
    ],
)
def test_a_finding_about_something_else_is_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        excerpt(finding_on(wrong), sinus(5, id="r"))


def test_an_excerpt_counts_from_the_start_of_its_window():
    recording = sinus(20, seed=1)
    note = QualityNote(kind="dropout", start=11.25, stop=12.5)
    window = excerpt(finding_on(recording, start=10.1, stop=18.1, quality=(note,)), recording)
    assert (window.finding.window.start, window.finding.window.stop) == (0, 8)
    assert window.recording.duration == pytest.approx(8, abs=0.004)
    assert [(s.start, s.stop) for s in window.finding.segments["A"]] == [(2.0, 2.5)]
    assert (window.finding.quality[0].start, window.finding.quality[0].stop) == (1.15, 2.4)
    assert window.finding.evidence.start == 0
    np.testing.assert_array_equal(window.recording.samples(), recording.samples(3030, 5430))


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("ECG I", "I"), ("avf", "aVF"), ("V5", "V5"), ("EEG Fpz-Cz", "EEG Fpz-Cz"), ("F4-M1", "EEG F4-M1"),
        ("E1-M2", "EOG E1-M2"), ("EOG horizontal", "EOG horizontal"), ("EMG submental", "EMG submental"),
        ("I Smith", None), ("Fpz-Smith", None), ("EEG", "EEG"), ("", None), ("V10", None), ("1970-01-01", None),
        ("EEG Fpz-Cz Jane", None), ("C3-Cz-C4", None), ("EMG Jane", None), ("心電圖", None),
    ],
)  # fmt: skip
def test_only_names_of_leads_are_told(given, name):
    assert lead_name(given) == name


def test_a_real_ecg_of_twelve_leads_fits(data):
    recording = Recording.read(data / "cinc2021" / "JS20001.hea")
    window = excerpt(finding_on(recording), recording)
    height, width = pixels(picture(window, label="A")).shape[:2]
    assert window.recording.channels == TWELVE
    assert 500_000 < width * height <= MOST_PIXELS
