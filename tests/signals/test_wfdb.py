"""WFDB records against header(5), signal(5), annot(5) and against the package `wfdb`."""

import warnings

import numpy as np
import pytest

from auricle.errors import FormatError, InputError
from auricle.signals import Annotation, Recording
from auricle.signals.readers.wfdb import read_header
from auricle.signals.readers.wfdb_formats import FORMATS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import wfdb


def test_a_record_has_physical_units_leads_and_annotations(tmp_path, write):
    recording = Recording.read(write.wfdb(tmp_path))
    assert (recording.id, recording.fs, recording.channels, recording.units) == (
        "rec",
        250,
        ("MLII", "V5"),
        ("mV", "mV"),
    )
    np.testing.assert_array_equal(recording.samples(), (write.digital / 200).astype(np.float32))
    assert recording.annotations == (Annotation(start=18 / 250, text="(AFIB"), Annotation(start=95 / 250, text="V"))


@pytest.mark.parametrize("name", ["rec", "rec.hea", "rec.dat", "rec.atr"])
def test_a_record_may_be_named_by_any_of_its_files(tmp_path, write, name):
    write.wfdb(tmp_path)
    assert Recording.read(tmp_path / name).id == "rec"


def test_a_record_name_may_hold_a_full_stop(tmp_path, write):
    write.wfdb(tmp_path, "rec.v2")
    assert Recording.read(tmp_path / "rec.v2").n_samples == 1500


def same_as_wfdb(folder):
    recording = Recording.read(folder / "x.hea")
    expected = wfdb.rdrecord(str(folder / "x")).p_signal.T
    np.testing.assert_allclose(recording.samples(), expected, rtol=3e-7)
    for start, stop in ((0, 0), (1, 2), (7, 301), (498, 501)):
        np.testing.assert_allclose(recording.samples(start, stop), expected[:, start:stop], rtol=3e-7)


@pytest.mark.parametrize("fmt", [*sorted(FORMATS), 310, 311, 8])
def test_any_bytes_in_any_format_mean_what_they_mean_to_the_wfdb_package(tmp_path, fmt):
    lines = ["x 2 200 501", f"x.dat {fmt} 200(3)/mV 16 0 5 0 0 I", f"x.dat {fmt} 7/uV 16 9 5 0 0 II"]
    (tmp_path / "x.hea").write_text("\n".join(lines) + "\n")
    (tmp_path / "x.dat").write_bytes(np.random.default_rng(fmt).bytes(501 * 2 * 4))
    same_as_wfdb(tmp_path)


@pytest.mark.parametrize("fmt", ["508", "516", "524"])
def test_compressed_samples_are_left_to_the_wfdb_package(tmp_path, fmt):
    pytest.importorskip("soundfile", reason="the package wfdb reads FLAC with soundfile")
    digital = np.random.default_rng(5).integers(-100, 100, (501, 2))
    wfdb.wrsamp(
        "x", fs=200, units=["mV", "uV"], sig_name=["I", "II"], d_signal=digital,
        fmt=[fmt, fmt], adc_gain=[200.0, 3.0], baseline=[0, 7], write_dir=str(tmp_path),
    )  # fmt: skip
    same_as_wfdb(tmp_path)


def test_several_samples_a_frame_are_averaged_as_the_wfdb_package_does(tmp_path):
    (tmp_path / "x.hea").write_text("x 2 200 501\nx.dat 16x2 200/mV 16 0 0 0 0 I\nx.dat 16x1 200/mV 16 0 0 0 0 II\n")
    values = np.random.default_rng(6).integers(-900, 900, 501 * 3).astype("<i2")
    (tmp_path / "x.dat").write_bytes(values.tobytes())
    same_as_wfdb(tmp_path)


def test_the_value_for_no_sample_is_missing(tmp_path, write):
    digital = write.digital.copy()
    digital[1, 5] = -(1 << 15)
    assert np.flatnonzero(np.isnan(Recording.read(write.wfdb(tmp_path, digital=digital)).samples())).tolist() == [1505]


def test_signals_in_several_files(tmp_path, write):
    write.wfdb(tmp_path, "a", digital=write.digital[:1])
    write.wfdb(tmp_path, "b", digital=write.digital[1:])
    lines = ["ab 2 250 1500", "a.dat 16 200/mV 16 0 0 0 0 I", "b.dat 16 100/mV 16 0 0 0 0 II"]
    (tmp_path / "ab.hea").write_text("\n".join(lines))
    recording = Recording.read(tmp_path / "ab")
    expected = write.digital / np.array([[200], [100]])
    np.testing.assert_array_equal(recording.samples(3, 9), expected[:, 3:9].astype(np.float32))
    np.testing.assert_array_equal(
        recording.choose((("II",),), "mV").samples(3, 9), expected[1:, 3:9].astype(np.float32)
    )


def test_a_challenge_record_is_read_although_its_header_puts_the_date_first(tmp_path, write):
    recording = Recording.read(write.challenge(tmp_path))
    np.testing.assert_array_equal(recording.samples(), (write.digital[:1] / 1000).astype(np.float32))
    assert recording.notes == ()
    with pytest.raises(ValueError, match=r"unconverted data|time data"):
        wfdb.rdrecord(str(tmp_path / "A00001"))


def test_diagnoses_in_the_comments_are_annotations(tmp_path, write):
    header = write.challenge(tmp_path).with_suffix(".hea")
    header.write_text(header.read_text() + "# Age: 70\n# Dx: 426177001, 164889003\n")
    notes = Recording.read(header).annotations
    assert [(note.text, note.start, note.duration) for note in notes] == [
        ("Dx 426177001", 0.0, 5.0), ("Dx 164889003", 0.0, 5.0)
    ]  # fmt: skip


def test_a_signal_without_gain_takes_the_default_of_wfdb_and_says_so(tmp_path, write):
    header = write.wfdb(tmp_path)
    header.write_text(header.read_text().replace("200/mV", "0/mV", 1))
    recording = Recording.read(header)
    assert recording.notes == ("MLII is not calibrated in the header; 200 steps per mV were assumed, as WFDB has it",)
    np.testing.assert_array_equal(recording.samples(), (write.digital / 200).astype(np.float32))


def test_the_defaults_of_header_5(tmp_path):
    (tmp_path / "d.hea").write_text("d 1\nd.dat 16\n")
    (tmp_path / "d.dat").write_bytes(np.array([200, -400], "<i2").tobytes())
    recording = Recording.read(tmp_path / "d")
    assert (recording.fs, recording.units, recording.channels, recording.n_samples) == (250, ("mV",), ("channel 1",), 2)
    assert recording.samples().tolist() == [[1.0, -2.0]]


def test_a_baseline_defaults_to_the_adc_zero(tmp_path, write):
    header = write.wfdb(tmp_path)
    header.write_text(header.read_text().replace("200/mV 16 0", "200/mV 16 100", 1))
    np.testing.assert_allclose(Recording.read(header).samples()[0], (write.digital[0] - 100) / 200, atol=1e-7)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("rec 2 250 1500", "recording of a patient", "is no record line"),
        ("rec 2 250", "rec 3 250", "announces 3 signals and describes 2; they must agree"),
        ("rec 2 250", "rec/4 2 250", "joins 4 segments; give each segment's own header instead"),
        ("rec 2 250", "rec 2 0", "a sampling rate of 0 Hz; it must be above 0"),
        ("rec.dat 16", "rec.dat 17", "format 17 is no sample format of WFDB"),
        ("rec.dat 16 200/mV 16 0 0 0 0 V5", "rec.dat 80 200/mV 8 0 0 0 0 V5", "different formats; a data file has one"),
        ("1500", "1501", "is cut off: rec.hea announces 1501 samples a signal and the file has room for 1500"),
        ("rec.dat", "gone.dat", "rec.hea names the data file gone.dat, which is not in"),
        ("200/mV", "200(99999999999999)/mV", "is beyond every sample format"),
        ("16 200/mV 16", "sixteen", "is no signal line"),
    ],
)
def test_a_wrong_header_is_refused_in_words(tmp_path, write, old, new, text):
    header = write.wfdb(tmp_path)
    assert old in header.read_text()
    header.write_text(header.read_text().replace(old, new))
    with pytest.raises(InputError, match=text):
        Recording.read(header)


def test_zero_samples_are_refused_and_one_is_read(tmp_path, write):
    with pytest.raises(FormatError, match="hold no samples"):
        Recording.read(write.wfdb(tmp_path, "none", digital=write.digital[:, :0]))
    assert Recording.read(write.wfdb(tmp_path, "one", digital=write.digital[:, :1])).samples().shape == (2, 1)


def test_a_data_file_without_its_header(tmp_path, write):
    path = write.challenge(tmp_path)
    path.with_suffix(".hea").unlink()
    with pytest.raises(FormatError, match=r"A00001.mat has no header A00001.hea beside it, which says its rate"):
        Recording.read(path)


@pytest.mark.parametrize(
    ("start", "text"),
    [
        (b"MATLAB 5.0 MAT-file, Platform", "is no MAT file of version 4 with 16-bit samples"),
        (b"\x1e\0\0\0\2\0\0\0", "holds 2 x 1500"),
    ],
)
def test_a_mat_file_of_another_kind(tmp_path, write, start, text):
    path = write.challenge(tmp_path)
    path.write_bytes(start + path.read_bytes()[len(start) :])
    with pytest.raises(FormatError, match=text):
        Recording.read(path)


def test_a_damaged_annotation_file_leaves_the_signals_readable(tmp_path, write):
    recording = Recording.read(write.wfdb(tmp_path))
    (tmp_path / "rec.atr").write_bytes(b"\1")
    assert recording.samples().shape == (2, 1500)
    with pytest.raises(FormatError, match=r"rec.atr is cut off.*the signals can be read all the same"):
        _ = recording.annotations


def test_a_rate_or_unit_that_is_said_does_not_contradict_the_header(tmp_path, write):
    header = write.wfdb(tmp_path, unit="adu")
    assert Recording.read(header, fs=250, unit="mV").units == ("mV", "mV")
    with pytest.raises(InputError, match=r"rec\.hea states 250 Hz and 300 Hz was given; leave out --fs"):
        Recording.read(header, fs=300)


def test_simulated_in_a_comment_marks_the_record(tmp_path, write):
    header = write.wfdb(tmp_path)
    assert not Recording.read(header).simulated
    header.write_text(header.read_text() + "# simulated ECG\n")
    assert Recording.read(header).simulated


def test_a_header_is_short(tmp_path):
    path = tmp_path / "long.hea"
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(FormatError, match="a WFDB header is a short text"):
        read_header(path)
