"""`auricle watch`: what it prints, what it takes, and what it says of bad input."""

import io
import json
import re

import jsonschema
import numpy as np
import pytest

from auricle import Recording, Specialist
from auricle.conformal import ExchangeabilityMartingale
from auricle.signals.simulate import noise, sinus
from auricle.watching import Watch, json_schema, nonconformity

VALIDATOR = jsonschema.Draft202012Validator(json_schema())


@pytest.fixture
def events():
    """Give the events of JSON Lines, each held against the schema."""

    def parse(out):
        VALIDATOR.check_schema(VALIDATOR.schema)
        lines = [json.loads(line) for line in out.splitlines()]
        for line in lines:
            VALIDATOR.validate(line)
        return lines

    return parse


@pytest.fixture
def standard_input(monkeypatch):
    def give(*lines):
        content = "".join(line + "\n" for line in lines).encode()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="ascii"))

    return give


@pytest.fixture(scope="session")
def changing(tmp_path_factory):
    """A recording of 1,000 s that is sinus rhythm for 600 s and then noise, in windows of 10 s."""
    samples = np.concatenate([sinus(600.0, 125.0, seed=3).samples(), noise(400.0, 125.0, seed=4).samples()], axis=1)
    path = tmp_path_factory.mktemp("changing") / "changing.npz"
    return Recording.from_array(samples, 125.0, channels=("I",), units="mV", id="changing").save(path)


@pytest.fixture(scope="session")
def lines(tiny, changing):
    """Findings of that recording as `auricle predict --json` writes them."""
    return [f.to_json() for f in Specialist.load(tiny).findings(Recording.read(changing), explain=False)]


def test_a_recording_that_changes_raises_the_alarm_and_says_since_when(command, tiny, changing):
    code, out, err = command("watch", tiny, changing)
    assert code == 0
    alarm, first, again, meaning, labels = out.splitlines()
    found = re.fullmatch(
        r"alarm at window (\d+) \(changing, (\d+) to (\d+) s\): (stranger|less strange) than before since about window "
        r"(\d+) \(changing, \d+ to \d+ s\); false-alarm chance at most 1 % if windows are exchangeable",
        alarm,
    )
    assert 60 < int(found[1]) < 100
    assert int(found[2]) == 10 * int(found[1])
    assert abs(int(found[5]) - 60) <= 5
    assert first == "100 windows of 1 recording; compared among themselves"
    assert again == alarm
    assert "depend on one another" in meaning
    assert labels == "no labels: the sets stayed as they were calibrated, and what they miss is not known"
    assert "no labels: only the alarm runs" in err


def test_json_is_what_the_library_gives(command, events, tiny, changing, lines):
    _, out, err = command("watch", tiny, changing, "--json", "--seed", "5", "--delta", "0.001")
    *seen, summary = events(out)
    strange = [-max(json.loads(line)["scores"].values()) for line in lines]
    test = ExchangeabilityMartingale(delta=0.001, seed=5)
    alarms = [test.update(one) for one in strange]
    windows = [one for one in seen if one["event"] == "window"]
    assert [one["number"] for one in windows] == list(range(100))
    assert windows[-1]["p_value"] == test.p_value
    (alarm,) = [one for one in seen if one["event"] == "alarm"]
    expected = next(one for one in alarms if one)
    assert (alarm["at"]["index"], alarm["since"]["index"], alarm["direction"]) == (
        expected.index, expected.since, expected.direction,
    )  # fmt: skip
    assert summary["alarm"] == alarm
    assert [one["set"] for one in windows] == [json.loads(line)["set"] for line in lines]
    assert "compared with what came before" in err


def test_findings_in_a_file_and_on_standard_input_give_the_same(
    command, tiny, changing, lines, tmp_path, standard_input
):
    _, expected, _ = command("watch", tiny, changing, "--json")
    path = tmp_path / "f.jsonl"
    path.write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    code, from_file, _ = command("watch", tiny, path, "--json")
    standard_input(*lines)
    also, from_stdin, _ = command("watch", tiny, "-", "--json")
    assert (code, also) == (0, 0)
    assert from_file == from_stdin == expected


def test_labels_in_the_stream_move_the_sets_and_misses_are_counted(command, events, tiny, lines, standard_input):
    label = '{"recording": "changing", "index": %d, "label": "N"}'
    standard_input(*lines[:5], label % 3, *lines[5:50], label % 2, label % 45, *lines[50:])
    code, out, _ = command("watch", tiny, "-", "--json", "--alpha", "0.3")
    *seen, summary = events(out)
    assert code == 0
    assert [(one["index"], one["label"]) for one in seen if one["event"] == "label"] == [(3, "N"), (2, "N"), (45, "N")]
    missed = sum(one["missed"] for one in seen if one["event"] == "label")
    one = summary["classes"]["N"]
    assert (one["labels"], one["missed_adapted"]) == (3, missed)
    assert one["level"] == pytest.approx(0.3 + 0.05 * (0.9 - missed))
    assert summary["waiting"] == 97


def test_labels_in_a_file_give_misses_before_and_after(command, tiny, changing, tmp_path):
    path = tmp_path / "l.csv"
    path.write_text("start,label\n" + "".join(f"{10 * i},{'N' if i < 60 else 'A'}\n" for i in range(100)))
    code, out, err = command("watch", tiny, changing, "--labels", path, "--alpha", "0.3", "--gamma", "0.2")
    assert (code, "no labels" in err) == (0, False)
    text = out[out.index("missed by the sets") :].splitlines()
    assert text[0] == "missed by the sets, of the windows with each label (aim 30 %):"
    assert re.match(
        r"  N     60 labels: [\d.]+ % as calibrated, [\d.]+ % adapted; level now -?[\d.]+; certainly", text[1]
    )
    assert re.match(r"  A     40 labels: (9\d|100)\.\d % as calibrated, [34]\d\.\d % adapted; level now", text[2])
    assert text[3] == "  O     no labels"


def test_a_reference_of_recordings_or_of_findings(command, events, tiny, records, changing, lines, tmp_path):
    (tmp_path / "typical.jsonl").write_text("\n".join(lines[:35]) + "\n", encoding="utf-8")
    _, out, err = command("watch", tiny, records, "--reference", tmp_path / "typical.jsonl", "--json")
    assert events(out)[-1]["reference"] == 35
    assert "compared with 35 reference windows and what came before" in err
    _, out, _ = command("watch", tiny, changing, "--reference", records, "--json")
    # r4 has four windows, the last of which overlaps the one before.
    assert events(out)[-1]["reference"] == 7


def test_references_that_the_network_has_seen_are_left_out(command, refused, tiny, made, records, changing):
    code, _, err = command("watch", tiny, changing, "--reference", made.data / "packed.npz")
    assert code == 0
    assert re.search(r"^\d+ of 96 references are left out: the network was trained or selected on them", err)


def test_windows_that_overlap_are_judged_and_not_tested(command, events, tiny, records):
    _, out, _ = command("watch", tiny, records / "r4.npz", "--json")
    *windows, summary = events(out)
    assert [(one["number"], one["p_value"] is None, one["stop"]) for one in windows] == [
        (0, False, 10.0), (1, False, 20.0), (2, False, 30.0), (None, True, 34.0),
    ]  # fmt: skip
    assert (summary["windows"], summary["overlapping"]) == (4, 1)
    _, out, _ = command("watch", tiny, records / "r4.npz")
    assert out.startswith("4 windows of 1 recording, 1 of them overlapping and not tested; compared among themselves\n")


def test_two_patients_in_one_stream_do_not_hide_each_other_s_overlaps():
    af = Specialist.load("af")
    one, two = (list(af.findings(sinus(100, 300, seed=i, id=str(i)), explain=False)) for i in (1, 2))
    watch = Watch(af.calibration_)
    for pair in zip(one, two, strict=True):
        for finding in pair:
            watch.take(finding)
    assert (watch.summary().windows, watch.summary().overlapping) == (8, 2)
    assert nonconformity(one[0]) == -one[0].scores[one[0].top]


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("index,label\n0,X\n", r"l\.csv, line 2: 'X' is no label; allowed are N, A, O, ~"),
        ("index,label\n100,N\n", r"l\.csv, line 2: window 100 lies outside recording changing, whose .* 0 to 99"),
        ("start,label\n1000,N\n", r"l\.csv, line 2: 1000 s lies outside recording changing of 1000 s"),
        ("recording,label\nx,N\n", r"l\.csv, line 2: the label is for recording 'x'; watched are changing"),
    ],
)
def test_labels_that_cannot_be_are_refused_before_anything_is_judged(refused, tiny, changing, tmp_path, table, text):
    (tmp_path / "l.csv").write_text(table, encoding="utf-8")
    refused(3, text, "watch", tiny, changing, "--labels", tmp_path / "l.csv")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("nonsense", "standard input, line 1: this is no JSON; a finding or a label is needed"),
        ("[]", "standard input, line 1: this is no valid finding"),
        ('{"label": "N", "recording": "x"}', 'line 1: a label is {"recording": text, .*; index: Field required'),
        ('{"label": "N", "recording": "x", "index": 0}', "line 1: window 0 of recording x waits for no label"),
    ],
)
def test_lines_that_cannot_be(command, tiny, standard_input, line, text):
    standard_input(line)
    code, out, err = command("watch", tiny, "-")
    assert (code, out) == (3, "")
    assert re.search(f"^error: .*{text}", err, re.MULTILINE), err


def test_findings_of_another_specialist_and_labels_of_unknown_classes(command, tiny, lines, standard_input):
    standard_input(lines[0])
    code, out, err = command("watch", "af", "-")
    assert (code, out) == (3, "")
    assert "made by tiny" in err
    assert "watch with the specialist that made it" in err
    standard_input(lines[0], '{"label": "Q", "recording": "changing", "index": 0}')
    code, out, err = command("watch", tiny, "-")
    assert code == 3
    assert "1 window of 1 recording" in out
    assert "standard input, line 2: label 'Q' was given; the labels are N, A, O, ~" in err
    standard_input(lines[0], lines[0])
    assert "window 0 of recording changing came twice" in command("watch", tiny, "-")[2]


def test_labels_that_met_no_line_are_told_at_the_end(command, tiny, lines, standard_input, tmp_path):
    (tmp_path / "l.csv").write_text("index,label\n0,N\n3,N\n", encoding="utf-8")
    standard_input(lines[0])
    code, out, err = command("watch", tiny, "-", "--labels", tmp_path / "l.csv")
    assert (code, "  N     1 label: " in out) == (3, True)
    assert "1 label met no window of the stream; the first is l.csv, line 3" in err


@pytest.mark.parametrize(
    ("code", "text", "arguments"),
    [
        (2, "Unknown option: --alhpa", ["--alhpa", "0.1"]),
        (2, "0.01 means that one stream in a hundred may give a false alarm", ["--delta", "0"]),
        (2, "above 0 and at most 1", ["--gamma", "0"]),
        (3, "- is standard input: it can be the only stream, and no reference", ["-"]),
        (3, "- is standard input: it can be the only stream, and no reference", ["--reference=-"]),
        (3, r"there is no file no\.jsonl; `auricle predict --json > no\.jsonl` would make one", ["no.jsonl"]),
        (3, "is both watched and reference; leave it out of one of them", ["--reference", "SAME"]),
    ],
)
def test_wrong_use(refused, tiny, changing, code, text, arguments):
    refused(code, text, "watch", tiny, changing, *[changing if one == "SAME" else one for one in arguments])


def test_a_specialist_without_calibration(refused, tiny, changing, tmp_path):
    bare = Specialist.load(tiny)
    del bare.calibration_
    bare.save(tmp_path / "bare")
    refused(4, "is not calibrated; `auricle calibrate` does that", "watch", tmp_path / "bare", changing)


def test_a_folder_with_a_bad_file_goes_on_and_ends_with_code_3(command, tiny, damaged):
    code, out, err = command("watch", tiny, damaged)
    assert code == 3
    assert out.startswith("8 windows of 5 recordings")
    assert re.search(r"^r2\[red\]: ", err, re.MULTILINE)


def test_ctrl_c_leaves_what_was_printed_and_sums_it_up(command, tiny, lines, monkeypatch):
    class Live(io.BytesIO):
        def __iter__(self):
            yield from (line.encode() for line in lines[:4])
            raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(Live()))
    code, out, err = command("watch", tiny, "-")
    assert code == 130
    assert out.startswith("4 windows of 1 recording; compared among themselves\nno alarm: the test's capital rose")
    assert "interrupted" in err
