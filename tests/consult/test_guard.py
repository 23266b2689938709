"""Nothing that may say who was recorded, from which file or when is let through, and errors don't tell it either."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.consult.guard import Guard, IdentifyingError, guard_of
from auricle.consult.measurements import number
from auricle.errors import FormatError, InputError
from auricle.finding import QualityNote, SpecialistName
from auricle.signals import Annotation, Recording
from auricle.signals.simulate import sinus
from window_findings import finding_on


def own_guard(public="", allowed=(), **about):
    changes = {key: about.pop(key) for key in ("notes", "quality", "specialist") if key in about}
    recording = Recording.from_array(sinus(5).samples(), 300, units="mV", **about)
    return guard_of(finding_on(recording, **changes), recording, allowed=allowed, public=public)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("seen on 1970-01-31", "a date"), ("on 31.01.1970", "a date"), ("1/31/70", "a date"),
        ("31 January 1970", "a date"),
        ("Jan 31, 1970", "a date"), ("in March 1970", "a date"), ("3 Mai 1970", "a date"),
        ("at 12:30", "a time of day"),
        ("at 3:07:59", "a time of day"), ("jane.doe@example.org", "an e-mail address"),
        ("https://x.org", "a web address"),
        ("www.example.org", "a web address"), ("/home/jane/x", "a path"), ("~/x", "a path"), (r"C:\Users", "a path"),
        (r"\\server\share", "a path"), ("../data/100", "a path"), ("file x.edf", "a file's name"),
        ("jane.hea", "a file's name"), ("patient 12345", "a long number"), ("0123456789", "a long number"),
    ],
)  # fmt: skip
def test_each_kind_of_identifying_text_is_refused_by_name(text, kind):
    with pytest.raises(IdentifyingError, match=f"a briefing holds {kind}, which may say who was recorded") as caught:
        Guard().check(f"Heart rate 71 per minute, {text}.")
    assert text not in str(caught.value)
    assert issubclass(IdentifyingError, InputError)


@pytest.mark.parametrize(
    "text",
    [
        "25 mm/s and 10 mm/mV", "standard deviation / mean", "0.5 to 30 Hz", "1.23e-05", "0.000123", "1:1 conduction",
        "2:1 block", "12.50 to 13.00 s", "and/or", "p-value 0.00123", "1234 s", "RR 1.5/2.5", "lead V1-V2", "N/A",
        "e.g. P",
        "May be noise. 12 beats in 10 s", "at 3.5 s, 10 of 12", "-75 uV", "30 s/30 s",
    ],
)  # fmt: skip
def test_what_a_briefing_says_passes(text):
    Guard().check(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=200)
def test_every_number_passes(value):
    Guard().check(f"score {number(value)}, p-value {number(value)}")


def test_a_label_may_be_a_code_of_many_digits():
    own_guard(allowed=["164889003"]).check("164889003 or nothing")
    with pytest.raises(IdentifyingError, match="a long number"):
        own_guard(allowed=["164889003"]).check("1648890031")


def everything(tmp_path):
    """Guard a recording with a text in every place that can hold one."""
    made = sinus(5, seed=1)
    recording = Recording.from_array(
        made.samples(), 300, channels=("Doe lead",), units="mV", id="rec-jane", subject="Janet D.",
        annotations=[Annotation(start=1, text="felt dizzy after tea")],
    )  # fmt: skip
    object.__setattr__(recording, "source", tmp_path / "Doberman" / "visit7x.hea")
    object.__setattr__(recording, "notes", ("The header names Dr. Who.",))
    other = Recording.from_array(made.samples(), 100, channels=("Oxymeter Ward9",), id="rec-jane")
    object.__setattr__(recording, "others", (other,))
    finding = finding_on(
        recording, notes=("taken in Ulm",), specialist=SpecialistName(name="janes-own"),
        quality=(QualityNote(kind="gain", start=0, stop=1, text="as Roe wrote"),),
    )  # fmt: skip
    return guard_of(finding, recording, allowed=(), public="")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("rec-jane", "the name"), ("JANE", "the name"), ("janet d.", "the subject"), ("Janet", "the subject"),
        ("visit7x.hea", "the file"), ("Doberman", "the folder"), ("doe  LEAD", "a channel's name"),
        ("Oxymeter Ward9", "a channel's name"), ("The header names Dr. Who.", "a note"), ("taken in Ulm", "a note"),
        ("as Roe wrote", "a note on the signal"), ("felt dizzy after tea", "an annotation"),
        ("janes-own", "the specialist"),
        ("".join(chr(ord(c) + 0xFEE0) for c in "Janet"), "the subject"),
    ],
)  # fmt: skip
def test_every_text_of_a_recording_is_refused_wherever_it_stood(tmp_path, text, kind):
    guard = everything(tmp_path)
    guard.check("Heart rate 71 per minute in lead I, a lead")
    with pytest.raises(IdentifyingError, match=f"a briefing holds {kind}") as caught:
        guard.check(f"the rhythm ({text}) is regular")
    assert text.lower() not in str(caught.value).lower()
    assert "jane" not in repr(guard).lower()


@given(
    text=st.text(min_size=1, max_size=40),
    place=st.sampled_from(["id", "subject", "notes", "annotations"]),
    before=st.sampled_from(["", "See ", "(", "\n", '"']),
)
@settings(max_examples=100, deadline=None)
def test_any_text_of_a_recording_is_refused(text, place, before):
    about = {
        "id": {"id": text}, "subject": {"subject": text}, "notes": {"notes": (text,)},
        "annotations": {"annotations": [Annotation(start=0, text=text)]},
    }[place]  # fmt: skip
    guard = own_guard(**about)
    flat = " ".join(text.split())
    letters = sum(c.isalpha() for c in flat)
    if len(flat) >= 4 and letters >= 2 and flat.isascii() and flat.isprintable():
        with pytest.raises(IdentifyingError) as caught:
            guard.check(f"{before}{flat} and more")
        assert len(flat) < 8 or flat.lower() not in str(caught.value).lower()


def test_what_is_said_of_every_recording_names_nobody():
    annotations = [Annotation(start=1, text="atrial fibrillation")]
    guard = own_guard(id="signal", annotations=annotations, public="A: atrial fibrillation. The signal is doubtful.")
    guard.check("The signal shows atrial fibrillation.")
    with pytest.raises(IdentifyingError, match="an annotation"):
        own_guard(annotations=annotations, public="A: fibrillation").check("shows atrial fibrillation")


def test_a_word_within_another_is_no_name():
    own_guard(subject="Hear").check("the heart, heard")
    with pytest.raises(IdentifyingError, match="the subject"):
        own_guard(subject="李明").check("李明 was recorded")


def test_annotations_that_cannot_be_read_stop_nothing():
    def damaged():
        raise FormatError("damaged")

    recording = sinus(5, id="damaged-one")
    object.__setattr__(recording, "annotations_from", damaged)
    guard = guard_of(finding_on(recording), recording, allowed=(), public="")
    with pytest.raises(IdentifyingError, match="the name"):
        guard.check("damaged-one")
