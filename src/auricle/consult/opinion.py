"""What a model answered, held against what it was told: agreement, disagreement or no opinion."""

from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict

from auricle.consult.answer import NONE, Answer, Unusable, Why, answer_schema, read_answer
from auricle.consult.wording import is_injected, is_refusal, loops
from auricle.signals.visible import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auricle.consult.briefing import Briefing
    from auricle.consult.measure import Stretch

__all__ = ["Answer", "Opinion", "Why", "answer_schema", "no_opinion", "read_opinion", "worth_retrying"]

OpinionState = Literal["agrees", "disagrees", "unchecked", "no opinion"]

LONGEST: Final = 50_000
"""Characters of an answer that are read; a longer one is no answer."""
_LONGEST_REASON: Final = 8_000

_RETRIED: Final = frozenset(
    {"empty", "looping", "refused", "truncated", "too_long", "injected", "off_schema", "unknown_label"}
)


class Opinion(BaseModel):
    """A validated answer.

    Only the state "agrees" is support, and only for a label of the set that was told.

    Examples
    --------
    >>> no_opinion("timeout", "no answer came within 60 s").said
    'no opinion: no answer came within 60 s'
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    state: OpinionState
    """"agrees": the label is in the set told. "disagrees": it is outside, or no offered label fits. "unchecked": no set
    was told that it could agree with. "no opinion": there is no answer that can be used."""
    label: str | None = None
    """An offered label, or None: no opinion, or none of them."""
    reason: str = ""
    """The model's own words on one line, safe to show on a terminal, to be escaped in HTML and Markdown; for "no
    opinion" auricle's sentence that says why."""
    why: Why | None = None
    """Why there is no opinion, or why it disagrees."""
    cited: tuple[tuple[float, float], ...] = ()
    """Stretches that the reason rests on, in s from the start of the window, as the model gave them."""
    cited_within: tuple[bool, ...] = ()
    """For each cited stretch, whether it lies in the window and meets a stretch that was highlighted for the label;
    where none was highlighted for it, for any label."""
    confidence: Literal["low", "medium", "high"] | None = None
    """The model's own word; nothing is promised by it."""

    @property
    def said(self) -> str:
        """The outcome in one line, for a person."""
        if self.state == "no opinion":
            return f"no opinion: {self.reason}"
        if self.why == "none of them":
            head = "says that no offered label fits"
            head = f"disagrees: {head}" if self.state == "disagrees" else head
        else:
            words = {
                "agrees": f"agrees with the set: {self.label}",
                "disagrees": f"disagrees with the set: {self.label}, which is outside it",
                "unchecked": f"{self.label}; no set was told that it could agree with",
            }
            head = words[self.state]
        return f"{head}. {self.reason}"


def no_opinion(why: Why, said: str) -> Opinion:
    """Give the opinion that is none.

    Parameters
    ----------
    why
        Its kind, for counting; "timeout" and "server" come from who asked, the others from `read_opinion`.
    said
        A sentence for a person.
    """
    return Opinion(state="no opinion", why=why, reason=said)


def worth_retrying(opinion: Opinion) -> bool:
    """Tell whether asking once more may help: there was an answer, and it could not be used.

    >>> worth_retrying(no_opinion("truncated", "cut")), worth_retrying(no_opinion("timeout", "late"))
    (True, False)
    """
    return opinion.state == "no opinion" and opinion.why in _RETRIED


def read_opinion(text: str, finish: str, briefing: "Briefing") -> Opinion:
    """Judge an answer by what was told and offered. No text makes it fail.

    Parameters
    ----------
    text
        What the model answered.
    finish
        Why it stopped, as the server says: "stop", "length", "content_filter", "refusal", or anything else.
    briefing
        What was told.

    Returns
    -------
    Opinion
        A label is taken only if it equals an offered one, character for character. One outside the set that was told
        is kept as disagreement.

    Notes
    -----
    A set that was told may be empty (an unfamiliar window): then every label disagrees, and "none" agrees, which
    supports no label. Where no set was told, the opinion is "unchecked".

    Examples
    --------
    >>> from auricle.consult.briefing import Briefing
    >>> told = Briefing(parts=("...",), offered=("N", "A", "O"), set=("N", "A"), segments={"A": ((1.0, 2.0),)},
    ...                 window=10.0, instructions="...")
    >>> text = '{"reason": "no P waves", "cited": [{"start": 1.5, "stop": 3}], "label": "A"}'
    >>> found = read_opinion(text, "stop", told)
    >>> found.state, found.label, found.cited_within
    ('agrees', 'A', (True,))
    >>> read_opinion('{"reason": "ectopic beats", "cited": [], "label": "O"}', "stop", told).state
    'disagrees'
    >>> read_opinion("It looks like A to me.", "stop", told).said
    'no opinion: the answer is not one JSON object'
    """
    unusable = _outside(text, finish)
    if unusable:
        return no_opinion(*unusable)
    answer = read_answer(text)
    if isinstance(answer, Unusable):
        refused = answer.why == "off_schema" and is_refusal(text)
        return no_opinion("refused", _REFUSED) if refused else no_opinion(*answer)
    unusable = _within(answer, briefing)
    if unusable:
        return no_opinion(*unusable)
    return _judged(answer, briefing)


_REFUSED = "the model refused to answer"
_LOOPS = "the answer repeats one piece, or blanks, without end"
_INJECTED = "the answer holds instructions to its reader, or marks that steer a program, instead of a reason alone"


def _outside(text: str, finish: str) -> Unusable | None:
    """Say what is wrong with an answer before its JSON is read."""
    faults: tuple[tuple[bool, Why, str], ...] = (
        (finish in {"content_filter", "refusal"}, "refused", _REFUSED),
        (loops(text), "looping", _LOOPS),
        (finish == "length", "truncated", "the answer was cut off at the greatest length that was asked for"),
        (not text.strip(), "empty", "the answer is empty"),
        (len(text) > LONGEST, "too_long", f"the answer has {len(text)} characters; at most {LONGEST} are read"),
        (is_injected(text[:LONGEST]), "injected", _INJECTED),
    )
    return _first(faults)


def _first(faults: "Sequence[tuple[bool, Why, str]]") -> Unusable | None:
    return next((Unusable(why, said) for there, why, said in faults if there), None)


def _within(answer: Answer, briefing: "Briefing") -> Unusable | None:
    """Say what is wrong with an answer that follows the schema."""
    reason, label = answer.reason, answer.label
    known = label == NONE or label in briefing.offered
    unknown = f"the label {visible(label, 40)!r} was not offered; offered: {', '.join(briefing.offered)}"
    faults: tuple[tuple[bool, Why, str], ...] = (
        # Once more: within JSON, words may be written as escapes.
        (is_injected(reason), "injected", _INJECTED),
        (loops(reason), "looping", _LOOPS),
        (not reason.strip(), "empty", "the answer gives no reason"),
        # Under a grammar a model that refuses must name a label all the same.
        (is_refusal(reason), "refused", _REFUSED),
        (not known, "unknown_label", unknown),
    )
    return _first(faults)


def _judged(answer: Answer, briefing: "Briefing") -> Opinion:
    label = None if answer.label == NONE else answer.label
    state, why = _against(label, briefing)
    cited = tuple((one.start, one.stop) for one in answer.cited)
    highlighted = _highlighted(label, briefing)
    return Opinion(
        state=state,
        label=label,
        reason=visible(" ".join(answer.reason.split()), _LONGEST_REASON),
        why=why,
        cited=cited,
        cited_within=tuple(_meets(one, highlighted, briefing.window) for one in cited),
        confidence=answer.confidence,
    )


def _against(label: str | None, briefing: "Briefing") -> tuple[OpinionState, Why | None]:
    if not briefing.set_told:
        return "unchecked", "none of them" if label is None else None
    if label is None:
        return "disagrees" if briefing.set else "agrees", "none of them"
    return ("agrees", None) if label in briefing.set else ("disagrees", "outside the set")


def _highlighted(label: str | None, briefing: "Briefing") -> "tuple[Stretch, ...]":
    own = briefing.segments.get(label, ()) if label is not None else ()
    return own or tuple(one for stretches in briefing.segments.values() for one in stretches)


def _meets(cited: "Stretch", highlighted: "tuple[Stretch, ...]", window: float) -> bool:
    start, stop = cited
    # A tenth of a second of grace, as times are told rounded.
    if not -0.1 <= start <= stop <= window + 0.1:
        return False
    return any(start <= last and first <= stop for first, last in highlighted)
