"""EDF, EDF+ and BDF against the clauses of their specifications and against the package `edfio`."""

import re

import edfio
import numpy as np
import pytest

from auricle.errors import FormatError, InputError
from auricle.signals import Annotation, Recording, read_annotations


@pytest.mark.parametrize(("name", "read"), [("a.edf", edfio.read_edf), ("a.bdf", edfio.read_bdf)])
def test_samples_are_those_of_edfio(tmp_path, write, name, read):
    path = write.edf(tmp_path, name)
    recording = Recording.read(path)
    expected = np.array([signal.data for signal in read(path).signals[:2]])
    np.testing.assert_allclose(recording.samples(), expected, atol=2e-5)
    for start, stop in ((0, 0), (0, 1), (2999, 3001), (3000, 6000), (5999, 6000)):
        np.testing.assert_array_equal(recording.samples(start, stop), recording.samples()[:, start:stop])


def test_the_highest_rate_stands_first_and_the_others_beside(tmp_path, write):
    recording = Recording.read(write.edf(tmp_path))
    assert (recording.fs, recording.channels) == (100, ("EEG Fpz-Cz", "EEG Pz-Oz"))
    (slow,) = recording.others
    assert (slow.fs, slow.channels, slow.units, slow.n_samples) == (1, ("Temp rectal",), ("DegC",), 60)
    assert 36 < slow.samples().mean() < 38


def test_a_lead_is_found_at_whatever_rate_it_has(tmp_path):
    signals = [
        edfio.EdfSignal(np.arange(6000.0), 100, label="EEG", physical_dimension="uV"),
        edfio.EdfSignal(np.arange(3000.0), 50, label="EOG left", physical_dimension="uV"),
    ]
    edfio.Edf(signals).write(tmp_path / "two.edf")
    recording = Recording.read(tmp_path / "two.edf")
    eye = recording.choose((("left",),), "uV")
    assert (eye.fs, eye.n_samples, eye.duration) == (50, 3000, recording.duration)
    with pytest.raises(InputError) as caught:
        recording.choose((("EEG",), ("EOG left",)), "uV")
    assert str(caught.value) == (
        "the channels asked for have different rates in recording two, which has 'EEG' at 100 Hz; 'EOG left' at 50 Hz; "
        "a window needs channels of one rate: name such channels with --lead"
    )


def test_annotations_of_edf_plus(tmp_path, write):
    path = write.edf(tmp_path)
    expected = (
        Annotation(start=0.0, duration=30.0, text="Sleep stage W"),
        Annotation(start=30.0, duration=30.0, text="Sleep stage 2"),
    )
    assert Recording.read(path).annotations == expected
    assert read_annotations(path) == expected


def test_a_hypnogram_has_annotations_and_no_signal(tmp_path):
    path = tmp_path / "night-Hypnogram.edf"
    edfio.Edf([], annotations=[edfio.EdfAnnotation(0, 600, "Sleep stage W")]).write(path)
    assert read_annotations(path) == (Annotation(start=0.0, duration=600.0, text="Sleep stage W"),)
    with pytest.raises(FormatError, match="holds annotations and no signal; read_annotations reads those"):
        Recording.read(path)


@pytest.mark.parametrize(("code", "subject"), [("MCH-0234567", "MCH-0234567"), ("X", None)])
def test_the_subject_is_the_code_of_edf_plus_2_1_3_3(tmp_path, write, code, subject):
    path = write.edf(tmp_path, patient=edfio.Patient(code=code, sex="F", name="Haagse_Harry"))
    assert Recording.read(path).subject == subject


@pytest.mark.parametrize(
    ("kind", "patient", "subject"),
    [
        (b"", b"", None),
        (b"", b"X", None),
        (b"", b"X X X X", None),
        (b"", b"X F X X", None),
        (b"", b"Xavier 17", "Xavier 17"),
        (b"", b"ward 3, bed 2", "ward 3, bed 2"),
        (b"EDF+C", b"", None),
        (b"EDF+C", b"X M 02-MAY-1951 Haagse_Harry", None),
        (b"EDF+C", b"MCH-1 M X X", "MCH-1"),
    ],
)
def test_a_patient_field_that_names_nobody_gives_no_subject(tmp_path, write, kind, patient, subject):
    path = write.edf(tmp_path)
    change(path, 8, patient.ljust(80))
    change(path, 192, kind.ljust(44))
    assert Recording.read(path).subject == subject


def test_simulated_in_the_header_marks_the_recording(tmp_path, write):
    assert not Recording.read(write.edf(tmp_path, "real.edf")).simulated
    path = write.edf(tmp_path, "made.edf", recording=edfio.Recording(additional=("simulated",)))
    assert Recording.read(path).simulated


def change(path, at, field: bytes):
    data = bytearray(path.read_bytes())
    data[at : at + len(field)] = field
    path.write_bytes(data)


def test_an_unfinished_recording_gives_what_is_there(tmp_path, write):
    path = write.edf(tmp_path)
    change(path, 236, b"-1      ")
    recording = Recording.read(path)
    assert recording.notes == ("the header leaves the length open; the file holds 2 data records",)
    assert recording.samples().shape == (2, 6000)


def test_a_file_that_ends_early_gives_its_whole_data_records(tmp_path, write):
    path = write.edf(tmp_path)
    path.write_bytes(path.read_bytes()[:-10])
    recording = Recording.read(path)
    assert recording.notes == ("the file ends early: 1 of 2 data records are there",)
    assert recording.samples().shape == (2, 3000)


LIMITS = 256 + 4 * (16 + 80 + 8)
"""Where the physical minima of a file of four signals begin; the maxima, and both digital limits, follow."""


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({0: b"-200", 1: b"-200"}, "its physical minimum equals its maximum, -200"),
        ({2: b"12", 3: b"12"}, "its digital minimum equals its maximum, 12"),
        ({0: b"nan"}, r"its physical limits, nan and [\d.]+, are no numbers to scale by"),
        ({0: b"-1e308", 1: b"1e308"}, r"its physical limits, -1e\+308 and 1e\+308, are no numbers to scale by"),
    ],
)
def test_a_signal_without_scale_is_left_out_with_the_reason(tmp_path, write, limits, why):
    path = write.edf(tmp_path)
    for row, value in limits.items():
        change(path, LIMITS + row * 4 * 8, value.ljust(8))
    recording = Recording.read(path)
    assert recording.channels == ("EEG Pz-Oz",)
    assert re.fullmatch(f"EEG Fpz-Cz was left out: {why}, so it has no scale", recording.notes[0])


def test_a_file_of_signals_without_scale_says_why(tmp_path, write):
    path = write.edf(tmp_path)
    change(path, LIMITS, b"nan     " * 3)
    with pytest.raises(FormatError, match="no signal has a scale: EEG Fpz-Cz was left out: its physical limits, nan"):
        Recording.read(path)


def test_text_that_is_no_utf_8_is_latin_1(tmp_path, write):
    path = write.edf(tmp_path)
    change(path, 256 + 4 * (16 + 80), "µV".encode("latin-1").ljust(8))
    recording = Recording.read(path)
    assert recording.units == ("µV", "uV")
    np.testing.assert_array_equal(recording.choose((), "uV").samples(), recording.samples())
    data = path.read_bytes()
    change(path, data.index(b"Sleep stage W"), "Träumt Sache!".encode("latin-1"))
    assert Recording.read(path).annotations[0].text == "Träumt Sache!"


def test_decimal_commas_are_forgiven(tmp_path, write):
    path = write.edf(tmp_path)
    before = Recording.read(path).samples()
    low = 256 + 4 * (16 + 80 + 8)
    change(path, low, path.read_bytes()[low : low + 64].replace(b".", b","))
    np.testing.assert_array_equal(Recording.read(path).samples(), before)


def with_stamps(path, kind: bytes, second: bytes):
    """Make a file of two data records EDF+D and give the second the time stamp `second`."""
    change(path, 192, kind)
    data = path.read_bytes()
    at = data.rindex(b"+30\x14\x14")
    change(path, at, second)


def test_a_discontinuous_file_without_gaps_is_read_and_one_with_a_gap_refused(tmp_path, write):
    path = write.edf(tmp_path)
    change(path, 192, b"EDF+D")
    assert Recording.read(path).n_samples == 6000
    with_stamps(path, b"EDF+D", b"+45\x14\x14")
    with pytest.raises(FormatError, match=r"has a gap before 45 s \(EDF\+D\); save its parts as files without gaps"):
        Recording.read(path)


def test_a_gap_in_a_file_that_claims_to_have_none_is_noted(tmp_path, write):
    path = write.edf(tmp_path)
    assert Recording.read(path).notes == ()
    with_stamps(path, b"EDF+C", b"+45\x14\x14")
    recording = Recording.read(path)
    assert recording.n_samples == 6000
    (note,) = recording.notes
    assert note == (
        "the time stamps end 15 s after the samples, first at 30 s: gaps, though the file claims to have none (EDF+C); "
        "it was read as if it had none"
    )


@pytest.mark.parametrize("gap", [1, 5, 9])
def test_the_first_gap_of_many_data_records_is_found(tmp_path, write, gap):
    path = write.edf(tmp_path, seconds=300)
    data = path.read_bytes()
    for record in range(gap, 10):
        data = data.replace(b"+%d\x14\x14" % (30 * record), b"+%d\x14\x14" % (30 * record + 9), 1)
    path.write_bytes(data)
    (note,) = Recording.read(path).notes
    assert f"end 9 s after the samples, first at {30 * gap} s: gaps" in note


@pytest.mark.parametrize("stamp", [b"+xx\x14\x14", b"\0\0\0\0\0", b"+30.0"])
def test_a_stamp_that_is_none_or_rounded_is_no_gap(tmp_path, write, stamp):
    path = write.edf(tmp_path)
    with_stamps(path, b"EDF+C", stamp)
    assert Recording.read(path).notes == ()


@pytest.mark.parametrize(
    ("at", "field", "text"),
    [
        (0, b"JPEG", "is no EDF or BDF file: it does not start with '0' or with BIOSEMI"),
        (252, b"xx  ", "is damaged or is no EDF file"),
        (252, b"9999", "announces 9999 signals and has"),
        (244, b"-30     ", "states data records of -30.0 s"),
        (244, b"nan     ", "states data records of nan s"),
        (244, b"0       ", "does not state its sampling rate"),
    ],
)
def test_a_wrong_header_is_refused_in_words(tmp_path, write, at, field, text):
    path = write.edf(tmp_path)
    change(path, at, field)
    with pytest.raises(InputError, match=text):
        Recording.read(path)


def test_a_file_cut_within_its_header_or_its_first_data_record(tmp_path, write):
    path = write.edf(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[:200])
    with pytest.raises(FormatError, match="has 200 bytes; the header of an EDF file has at least 256"):
        Recording.read(path)
    path.write_bytes(data[:1500])
    with pytest.raises(FormatError, match="has no complete data record"):
        Recording.read(path)


def test_a_long_file_is_read_in_pieces(tmp_path, monkeypatch, write):
    path = write.edf(tmp_path, seconds=300)
    whole = Recording.read(path).samples()
    monkeypatch.setattr("auricle.signals.readers.edf._CHUNK_BYTES", 20_000)
    np.testing.assert_array_equal(Recording.read(path).samples(), whole)
    np.testing.assert_array_equal(Recording.read(path).samples(2_500, 29_000), whole[:, 2_500:29_000])
