"""Tables of true labels: their shapes, and one clear sentence for each thing that is wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.errors import AuricleError, FormatError, InputError
from auricle.watching import TrueLabels, read_labels

ALLOWED = ["N", "A"]
STARTS = [0.0, 30.0, 60.0, 65.25]


@pytest.fixture
def table(tmp_path):
    def read(text):
        path = tmp_path / "l.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_labels(path, ALLOWED)

    return read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("index,label\n0,N\n3,A\n", ["N", None, None, "A"]),
        ("label;start\nN;0\nA;65.25\n", ["N", None, None, "A"]),
        ("\ufeffrecording\tindex\tlabel\nx\t1\tA\ny\t2\tN\n", [None, "A", None, None]),
        ("recording,start,label\nx,30.004,A\n\n", [None, "A", None, None]),
        ("recording,label\nx,A\n", ["A"] * 4),
        ("x,A\r\ny,N\r\n", ["A"] * 4),
        ("recording,label\ny,A\n", [None] * 4),
        ("Start , Label\n 30, A \n", [None, "A", None, None]),
    ],
)
def test_every_shape_finds_its_windows(table, text, expected):
    labels = table(text)
    assert [labels.of("x", i, start) for i, start in enumerate(STARTS)] == expected


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("", FormatError, "are empty; allowed are the columns index,label or start,label for one recording;"),
        ("index,label\n", FormatError, "hold no label below their first line"),
        ("index,start,label\n0,0,N\n", FormatError, "have the columns index, start, label; allowed are"),
        ("label\nN\n", FormatError, "have the columns label; allowed are"),
        ("id,label\n0,N\n", FormatError, "have a column 'id'; allowed are"),
        ("a,b,c\n0,N,1\n", FormatError, "have no column `label`; allowed are"),
        ("index,label\n0,X\n", InputError, r"l\.csv, line 2: 'X' is no label; allowed are N, A"),
        ("x,N\ny,Q\n", InputError, r"l\.csv, line 2: 'Q' is no label"),
        ("index,label\n0\n", FormatError, r"l\.csv, line 2: 2 cells are needed \(index, label\), and there are 1"),
        ("index,label\n1.5,N\n", FormatError, r"l\.csv, line 2: index is '1\.5'; a number is needed"),
        ("index,label\n-1,N\n", InputError, "index is -1; windows are counted from 0"),
        ("start,label\nnan,N\n", InputError, "start is nan s; it counts from the start of the recording"),
        ("index,label\n0,N\n\n0,A\n", InputError, r"line 4: this window has its label already, from l\.csv, line 2"),
        (b"\xff\xfeN", FormatError, "are no text in UTF-8; save them as CSV"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_table_is_said(table, text, kind, message):
    with pytest.raises(kind, match=message):
        table(text)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"the labels .*none\.csv can't be read: No such file"):
        read_labels(tmp_path / "none.csv", ALLOWED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("index,label\n4,N\n", r"l\.csv, line 2: window 4 lies outside recording x, whose windows are 0 to 3"),
        ("start,label\n95.25,N\n", r"line 2: 95\.25 s lies outside recording x of 95\.25 s"),
        ("start,label\n45.5,N\n", r"no window of recording x starts at 45\.5 s; the nearest starts at 60 s"),
    ],
)
def test_labels_outside_the_recording_or_between_windows(table, text, message):
    with pytest.raises(InputError, match=message):
        table(text).check_windows("x", STARTS, 95.25)


def test_labels_inside_the_recording_pass(table):
    table("start,label\n65.25,N\n30,A\n").check_windows("x", STARTS, 95.25)
    table("recording,index,label\ny,99,N\n").check_windows("x", STARTS, 95.25)


def test_labels_for_another_recording(table):
    with pytest.raises(InputError, match=r"line 2: the label is for recording 'z'; watched are a, b, c and 1 more"):
        table("z,A\n".join(["recording,label\n", ""])).check_recordings(["a", "b", "c", "d"])
    with pytest.raises(InputError, match=r"there are 2 recordings, and the labels name none; add a column recording"):
        table("index,label\n0,N\n").check_recordings(["a", "b"])
    table("index,label\n0,N\n").check_recordings(["a"])


def test_labels_that_met_no_window_are_known(table):
    labels = table("index,label\n0,N\n7,A\n")
    labels.of("x", 0, 0.0)
    assert [one.index for one in labels.unmet] == [7]
    assert not TrueLabels([]).unmet


@given(st.text(max_size=60) | st.text(alphabet='index,startlabe"\n;\t01NA', max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused_in_one_line(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(text, encoding="utf-8")
    refused, labels = "", None
    try:
        labels = read_labels(path, ALLOWED)
    except AuricleError as error:
        refused = str(error)
    assert refused.isprintable()
    assert refused or {labels.of("x", i, 30.0 * i) for i in range(3)} <= {"N", "A", None}
