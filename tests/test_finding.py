"""Findings: they can't contradict themselves, survive JSON, and point at what holds the evidence."""

import json
from importlib.resources import files

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from auricle.cli.finding_text import finding_text
from auricle.errors import FormatError, InputError
from auricle.figure.words import title_of
from auricle.finding import (
    Evidence,
    Finding,
    QualityNote,
    Segment,
    SpecialistName,
    WindowSpan,
    json_schema,
    segments_of,
)


def fields(**changes):
    """Everything a sound finding of three labels needs."""
    return {
        "specialist": SpecialistName(name="af", version="1", hash="abc"),
        "recording": "A00001",
        "window": WindowSpan(index=1, start=30.0, stop=60.0),
        "alpha": 0.1,
        "labels": ("N", "A", "O"),
        "set": ("A", "O"),
        "state": "uncertain",
        "top": "A",
        "scores": {"N": -3.0, "A": 1.0, "O": 0.5},
        "p_values": {"N": 0.1, "A": 0.7, "O": 0.2},
        "segments": {"A": (Segment(start=31.0, stop=32.0, evidence=2.0),), "O": ()},
        "evidence_step": 0.02,
    } | changes


def evidence():
    return Evidence(labels=("N", "A", "O"), values=np.random.default_rng(0).normal(size=(3, 40)), step=0.75, start=30.0)


def test_json_round_trip_with_and_without_the_evidence_array():
    finding = Finding(**fields(evidence=evidence()))
    short = Finding.from_json(finding.to_json())
    assert short.evidence is None
    assert short == finding
    assert hash(short) == hash(finding)
    full = Finding.from_json(finding.to_json(evidence=True))
    assert full.evidence == finding.evidence
    assert full.evidence.values.dtype == np.float32
    np.testing.assert_array_equal(full.evidence.values, finding.evidence.values)
    assert "\n" not in finding.to_json()
    assert Finding.model_validate_json(finding.to_json()) == finding


@pytest.mark.parametrize(
    "name", ["a\nb", "\x1b[2J", "\x7f", "\x9b31m", "a\u2028b\x85c", "\u202eexe", "心 \U000e0001 \xa0"]
)
def test_a_name_can_neither_break_a_line_nor_command_a_terminal(name):
    finding = Finding(**fields(recording=name))
    text = finding.to_json()
    assert text.isprintable()
    assert Finding.from_json(text) == finding
    assert Finding.from_json(text).recording == name
    assert "\n" not in str(finding)
    assert str(finding).replace("\xa0", "").isprintable()


def test_notes_of_the_reader_are_kept():
    notes = ("the file ends early: 2 of 3 data records are there",)
    assert Finding.from_json(Finding(**fields(notes=notes)).to_json()).notes == notes


def test_two_findings_differ_when_their_json_does():
    assert Finding(**fields()) != Finding(**fields(recording="A00002"))


def test_the_published_schema_is_the_generated_one():
    published = files("auricle") / "schemas" / "finding.schema.json"
    assert json.loads(published.read_text()) == json_schema(), (
        "write json.dumps(auricle.finding.json_schema(), indent=2) to src/auricle/schemas/finding.schema.json"
    )


@pytest.mark.parametrize("with_evidence", [False, True])
def test_json_obeys_the_published_schema(with_evidence):
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    text = Finding(**fields(evidence=evidence())).to_json(evidence=with_evidence)
    jsonschema.validate(json.loads(text), schema)


def test_the_schema_refuses_an_unknown_state():
    wrong = json.loads(Finding(**fields()).to_json()) | {"state": "sure"}
    with pytest.raises(jsonschema.ValidationError, match="sure"):
        jsonschema.validate(wrong, json_schema())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"state": "confident"}, r"state is 'confident', but the set \{A, O\} makes it 'uncertain'"),
        ({"set": ("A",), "state": "confident"}, "'O' has p-value 0.2 at alpha 0.1 but is not in the set"),
        ({"set": ("N", "A", "O")}, "'N' has p-value 0.1 at alpha 0.1 but is in the set"),
        ({"set": ("A", "X")}, "set holds 'X'; the labels are N, A, O"),
        ({"set": ("A", "A")}, "set lists a label twice: A, A"),
        ({"labels": ("N", "A", "A")}, "labels are listed twice: N, A, A"),
        ({"top": "O"}, "top is 'O', but it does not have the highest score"),
        ({"top": "X"}, "top is 'X'"),
        ({"scores": {"N": 0.0, "A": 1.0}}, "scores must hold each of the labels N, A, O, and nothing else"),
        ({"p_values": {"N": None, "A": 0.7, "O": 0.2}}, "'N' has no p-value; then it must be marked uncovered"),
        ({"uncovered": ("N",)}, "'N' is uncovered and must stand in every set"),
        ({"left_out": ("A",)}, "'A' is left out of the sets but stands in this one"),
        ({"left_out": ("A",), "uncovered": ("A",)}, "A: uncovered and left out at the same time"),
        ({"segments": {"N": ()}}, "segments are given for 'N'; only A, O may have some"),
        (
            {"segments": {"A": (Segment(start=59.5, stop=60.5, evidence=1),)}},
            "lies outside the window 30 to 60 s",
        ),
        (
            {"segments": {"A": (Segment(start=40, stop=42, evidence=1), Segment(start=41, stop=43, evidence=1))}},
            "segment 41 to 43 s of 'A' overlaps the one before",
        ),
        ({"alpha": 0.0}, "greater than 0"),
        ({"scores": {"N": float("nan"), "A": 1.0, "O": 0.5}}, "finite"),
        ({"p_values": {"N": 0.0, "A": 0.7, "O": 0.2}}, "greater than 0"),
        ({"p_values": {"N": 0.05, "A": 1.01, "O": 0.2}}, "less than or equal to 1"),
        ({"surprise": 1}, "Extra inputs are not permitted"),
    ],
)
def test_a_finding_that_contradicts_itself_is_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        Finding(**fields(**changes))


def test_every_state_can_be_told():
    assert Finding(**fields(set=("A",), state="confident", p_values={"N": 0.1, "A": 0.7, "O": 0.05}, segments={})).set
    nothing = Finding(
        **fields(set=(), state="unfamiliar", p_values=dict.fromkeys("NAO", 0.01), segments={"A": ()}),
    )
    assert nothing.drawn_labels == ("A",)
    alone = {"set": ("N",), "uncovered": ("N",), "p_values": {"N": 0.3, "A": 0.1, "O": 0.01}, "segments": {}}
    assert Finding(**fields(**alone, state="unfamiliar")).state == "unfamiliar"
    with pytest.raises(ValidationError, match="makes it 'unfamiliar'"):
        Finding(**fields(**alone, state="confident"))
    every = {"set": ("N", "A", "O"), "uncovered": ("N", "A", "O"), "p_values": dict.fromkeys("NAO"), "segments": {}}
    assert Finding(**fields(**every, state="uncalibrated")).needs_eyes
    with pytest.raises(ValidationError, match="makes it 'uncalibrated'"):
        Finding(**fields(**every, state="uncertain"))


def test_only_a_confident_finding_on_a_sound_signal_needs_no_eyes():
    sure = {"set": ("A",), "state": "confident", "p_values": {"N": 0.1, "A": 0.7, "O": 0.05}, "segments": {}}
    assert not Finding(**fields(**sure)).needs_eyes
    flat = QualityNote(kind="flat line", start=31, stop=33)
    assert Finding(**fields(**sure, quality=(flat,))).needs_eyes


def test_a_set_without_the_label_of_the_highest_score_needs_eyes_and_says_so():
    other = {"set": ("O",), "state": "confident", "p_values": {"N": 0.01, "A": 0.02, "O": 0.3}, "segments": {}}
    finding = Finding(**fields(**other))
    assert finding.top == "A"
    assert finding.top_outside
    assert finding.needs_eyes
    assert "! A has the highest score and is not in the set: a person should look" in finding_text(finding)
    assert title_of(finding).endswith("can't be ruled out, but A has the highest score (alpha 0.1)")
    nothing = {"set": (), "state": "unfamiliar", "p_values": dict.fromkeys("NAO", 0.01), "segments": {}}
    assert not Finding(**fields(**nothing)).top_outside


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"this is no valid finding \(auricle.finding/1\): as a whole: Invalid JSON"),
        ("{}", "specialist: Field required"),
        (
            Finding(**fields()).to_json().replace("finding/1", "finding/9"),
            "schema: Input should be 'auricle.finding/1'",
        ),
        (Finding(**fields()).to_json().replace("uncertain", "confident"), "as a whole: state is 'confident'"),
    ],
)
def test_damaged_json_is_answered_with_a_sentence(text, message):
    with pytest.raises(FormatError, match=message):
        Finding.from_json(text)


def test_findings_are_frozen():
    finding = Finding(**fields(evidence=evidence()))
    with pytest.raises(ValidationError, match="frozen"):
        finding.state = "confident"
    with pytest.raises(ValueError, match="read-only"):
        finding.evidence.values[0, 0] = 1


def test_evidence_checks_its_shape():
    with pytest.raises(ValidationError, match=r"shape \(3,\); \(labels, instances\) is needed"):
        Evidence(labels=("N",), values=[1, 2, 3], step=1)
    with pytest.raises(ValidationError, match="1 rows for 2 labels"):
        Evidence(labels=("N", "A"), values=[[1, 2, 3]], step=1)
    with pytest.raises(ValidationError, match="NaN or infinite"):
        Evidence(labels=("N",), values=[[np.nan]], step=1)
    with pytest.raises(InputError, match="no evidence for 'X'; there is for N, A, O"):
        evidence().of("X")


ROWS = hnp.arrays(np.float64, st.integers(1, 80), elements=st.floats(-5, 5, allow_subnormal=False))


def covered(segments, n, start, step):
    """Instances whose middle lies in a segment."""
    middle = start + (np.arange(n) + 0.5) * step
    return np.any([(middle > s.start) & (middle < s.stop) for s in segments], axis=0) if segments else np.zeros(n, bool)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.floats(0.05, 1), st.floats(0, 1), st.integers(1, 6), st.sampled_from([0.01, 0.048, 0.5]))
def test_segments_are_ordered_disjoint_within_bounds_and_few(row, share, gap, most, step):
    segments = segments_of(row, 30.0, step, share=share, gap=gap, most=most)
    assert len(segments) <= most
    assert bool(segments) == bool((row > 0).any())
    edge = 30.0
    for i, segment in enumerate(segments):
        # Two segments that touch less than the gap apart would have been one.
        assert segment.start >= edge + (gap if i else 0) - 1e-9
        edge = segment.stop
        assert segment.evidence > 0
    assert edge <= 30.0 + len(row) * step + 1e-9


@settings(max_examples=60, deadline=None)
@given(ROWS, st.floats(0.05, 1))
def test_uncut_segments_hold_the_share_and_not_an_instance_more_than_needed(row, share):
    segments = segments_of(row, 0.0, 1.0, share=share, gap=0.0, most=1000)
    total = row[row > 0].sum()
    held = sum(s.evidence for s in segments)
    if segments:
        inside = covered(segments, len(row), 0.0, 1.0)
        assert held >= share * total * (1 - 1e-9)
        assert held - row[inside].min() < share * total * (1 + 1e-9)
        np.testing.assert_allclose(row[inside].sum(), held)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.floats(0.05, 1), st.floats(0.05, 1), st.floats(0, 1))
def test_a_larger_share_uncovers_nothing(row, one, other, gap):
    low, high = sorted((one, other))
    n = len(row)
    small, large = (covered(segments_of(row, 5.0, 0.1, share=s, gap=gap, most=1000), n, 5.0, 0.1) for s in (low, high))
    assert (large | ~small).all()


def test_the_segments_with_most_evidence_are_kept():
    row = np.zeros(100)
    row[[10, 30, 50, 70]] = [1, 4, 2, 3]
    kept = segments_of(row, 0.0, 0.1, share=1, most=2)
    assert [s.evidence for s in kept] == [4, 3]
    assert kept[0].start == pytest.approx(3.0)


def test_no_segment_reaches_beyond_the_window():
    (segment,) = segments_of(np.ones(4), 30.0, 0.5, stop=31.7, share=1)
    assert (segment.start, segment.stop) == (30.0, 31.7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"evidence": [[1.0]]}, r"shape \(1, 1\) was given; a row of finite numbers is needed"),
        ({"evidence": [np.nan]}, "a row of finite numbers"),
        ({"share": 0.0}, "share=0 was given; it must be above 0 and at most 1"),
        ({"stop": 0.2}, "the window ends at 0.2 s, but the last of 3 instances begins at 0.2 s; leave out"),
        ({"step": 0.0}, "step=0, gap=0.2, most=5: step must be positive"),
    ],
)
def test_segments_of_bad_input(arguments, message):
    with pytest.raises(InputError, match=message):
        segments_of(**({"evidence": np.ones(3), "start": 0.0, "step": 0.1} | arguments))
