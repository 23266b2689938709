import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auricle.errors import FormatError, InputError
from auricle.signals import Recording

SINE = np.sin(np.arange(200) / 10)


def table(tmp_path, header, rows, *, mark=",", name="t.csv"):
    path = tmp_path / name
    lines = ([header] if header else []) + [mark.join(str(cell) for cell in row) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_time_column_gives_the_rate_and_the_header_names_and_units(tmp_path):
    rows = [(i / 250, x, 1000 * x) for i, x in enumerate(SINE)]
    recording = Recording.read(table(tmp_path, "time,ECG I (mV),EEG [uV]", rows))
    assert (recording.fs, recording.channels, recording.units) == (250, ("ECG I", "EEG"), ("mV", "uV"))
    np.testing.assert_allclose(recording.samples(), [SINE, 1000 * SINE], rtol=1e-6)


@pytest.mark.parametrize("mark", [",", ";", "\t", " "])
def test_columns_are_separated_by_what_separates_them(tmp_path, mark):
    path = table(tmp_path, mark.join(["time", "ECG"]), enumerate(SINE), mark=mark)
    recording = Recording.read(path)
    assert recording.channels == ("ECG",)
    np.testing.assert_allclose(recording.samples()[0], SINE, rtol=1e-6)


def test_decimal_commas_between_semicolons(tmp_path):
    path = table(tmp_path, "time;ECG (mV)", [(f"{i / 100:.2f}", f"{x:.6f}") for i, x in enumerate(SINE)], mark=";")
    path.write_text(path.read_text().replace(".", ","))
    np.testing.assert_allclose(Recording.read(path).samples()[0], SINE, atol=1e-6)


def test_units_in_a_second_line_as_physionet_exports_them(tmp_path):
    rows = [(i * 0.004, 3.0, x) for i, x in enumerate(SINE)]
    path = table(tmp_path, "'Elapsed time','MLII','V5'\n'seconds','mV','mV'", rows)
    recording = Recording.read(path)
    assert (recording.fs, recording.channels, recording.units) == (250, ("MLII", "V5"), ("mV", "mV"))


@pytest.mark.parametrize(
    ("name", "step", "fs", "noted"),
    [("time (ms)", 2, 500, False), ("time [s]", 0.01, 100, False), ("time", 2, 500, True), ("time", 0.002, 500, False),
     ("time_ms", 4, 250, False), ("t (s)", 2, 0.5, False)],
)  # fmt: skip
def test_the_unit_of_time(tmp_path, name, step, fs, noted):
    recording = Recording.read(table(tmp_path, f"{name},ECG", [(i * step, x) for i, x in enumerate(SINE)]))
    assert recording.fs == pytest.approx(fs)
    assert bool(recording.notes) is noted


def test_rounded_time_stamps_are_even_enough(tmp_path):
    recording = Recording.read(table(tmp_path, "time,ECG", [(f"{i / 300:.3f}", x) for i, x in enumerate(SINE)]))
    assert recording.fs == pytest.approx(300, rel=1e-3)


def test_a_gap_in_the_time_column_is_refused(tmp_path):
    rows = [(i / 100 + (i > 150), x) for i, x in enumerate(SINE)]
    with pytest.raises(
        FormatError, match=r"its time column is uneven, sample 150 at 1.5 is .* split the file at its gaps"
    ):
        Recording.read(table(tmp_path, "time,ECG", rows))


@pytest.mark.parametrize("clock", [["5"] * 200, range(200, 0, -1), ["nan"] * 200])
def test_a_time_column_that_stands_still(tmp_path, clock):
    with pytest.raises(FormatError, match="does not increase from its first to its last sample"):
        Recording.read(table(tmp_path, "time,ECG", list(zip(clock, SINE, strict=True))))


def test_without_a_time_column_the_rate_must_be_said(tmp_path):
    path = table(tmp_path, "", [(x,) for x in SINE])
    with pytest.raises(InputError, match="has no column named time and so no sampling rate; say it in Hz with --fs"):
        Recording.read(path)
    recording = Recording.read(path, fs=100, unit="mV")
    assert (recording.fs, recording.channels, recording.units) == (100, ("signal",), ("mV",))
    assert recording.choose((("I",),), "mV").channels == ("signal",)


def test_a_rate_that_contradicts_the_time_column_is_refused(tmp_path, write):
    with pytest.raises(InputError, match="states 100 Hz and 200 Hz was given; leave out --fs"):
        Recording.read(write.csv(tmp_path), fs=200)


def test_a_column_that_counts_samples_is_no_channel(tmp_path):
    recording = Recording.read(table(tmp_path, "sample,ECG", list(enumerate(SINE))), fs=100)
    assert recording.channels == ("ECG",)
    assert recording.notes == ("column 'sample' counts samples and was left out",)


def test_empty_cells_and_nan_are_missing_samples(tmp_path):
    recording = Recording.read(table(tmp_path, "a,b", [(1, 2), ("", 3), ("NaN", 4), (5, "n/a")]), fs=1)
    np.testing.assert_array_equal(recording.samples(), np.float32([[1, np.nan, np.nan, 5], [2, 3, 4, np.nan]]))


def test_comments_are_passed_over_and_may_mark_a_simulation(tmp_path, write):
    path = write.csv(tmp_path)
    assert not Recording.read(path).simulated
    before = Recording.read(path).samples()
    path.write_text("# simulated by hand\n" + path.read_text())
    assert Recording.read(path).simulated
    np.testing.assert_array_equal(Recording.read(path).samples(), before)


def test_long_tables_are_read_in_pieces(tmp_path, monkeypatch, write):
    path = write.csv(tmp_path)
    whole = Recording.read(path)
    monkeypatch.setattr("auricle.signals.readers.text._ROWS", 37)
    again = Recording.read(path)
    assert again.fs == whole.fs
    np.testing.assert_array_equal(again.samples(), whole.samples())


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", 'is empty; a CSV file has a line of names, such as "time,ECG .mV.", and below it a line of numbers for'),
        ("time,ECG\n", "holds no samples: a line of numbers must follow"),
        ("A00001,N\nA00002,A\nA00003,~\n", "holds no samples: a line of numbers must follow"),
        ("time,ECG\n0,1\n0.1,oops\n", "line 2 of the samples, '0.1,oops', is not 2 numbers"),
        ("time,ECG\n0,1\n0.1,2\n0.2", "line 3 of the samples, '0.2', is not 2 numbers; the file may be cut off"),
        ("time,ECG\n0,1,2\n0.1,2,3\n", "has 2 column names over 3 columns; a CSV file has a line of names"),
        ("time\n0\n1\n", "has the columns time and no signal"),
        ("time,ECG\n0,1\n1,1_000\n", "line 2 of the samples, '1,1_000'"),
        ("a\0b,1\n", "is no text with columns"),
        ("1" * 200_000, "has a line of over 100000 characters"),
    ],
)
def test_what_is_no_table_is_refused_in_words(tmp_path, content, text):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    with pytest.raises(FormatError, match=text):
        Recording.read(path, fs=None if content.startswith("time,") else 10)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=2), min_size=2, max_size=20))
def test_what_was_written_is_read(tmp_path, rows):
    recording = Recording.read(table(tmp_path, "a (mV),b (mV)", [[repr(x) for x in row] for row in rows]), fs=10)
    np.testing.assert_array_equal(recording.samples(), np.float32(rows).T)
