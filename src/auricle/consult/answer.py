"""What a model must return, the JSON schema that asks for it, and its strict reading."""

import json
import math
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auricle.errors import InputError
from auricle.signals.visible import visible

NONE: Final = "none"
"""What may be answered when no offered label fits."""

Why = Literal[
    "empty", "looping", "refused", "truncated", "too_long", "injected", "off_schema", "unknown_label",
    "timeout", "server",
    "outside the set", "none of them",
]  # fmt: skip
"""Why there is no opinion, or why it disagrees."""

_FENCED = re.compile(r"```(?:json)?[ \t]*\r?\n(.*)\n[ \t]*```", re.DOTALL)
_THINKING = ("<think>", "</think>")
_LONGEST_NUMBER = 400
_LONGEST_LABEL = 100
_REASON = 600
"""Characters: about five sentences, which is what is asked for."""
_CITED = 8


class Unusable(NamedTuple):
    """Why a text is no answer."""

    why: Why
    said: str
    """A sentence for a person."""


class _Strict(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Cited(_Strict):
    """A stretch of the window that the reason rests on."""

    start: float
    """In s from the start of the window."""
    stop: float
    """In s from the start of the window."""


class Answer(_Strict):
    """What the model must return, in this order: a reason that is asked for after the label explains nothing.

    Examples
    --------
    >>> Answer.model_validate({"reason": "no P waves", "cited": [{"start": 1.0, "stop": 2.5}], "label": "A"}).label
    'A'
    """

    reason: str = Field(min_length=1, max_length=8_000)
    """In words, before the label."""
    cited: Annotated[list[Cited], Field(max_length=64)]
    """Stretches that the reason rests on; may be empty."""
    label: str
    """One of those offered, or "none"."""
    confidence: Literal["low", "medium", "high"] | None = None
    """The model's own word; nothing is promised by it."""


def answer_schema(offered: Sequence[str], *, bounded: bool = False) -> dict[str, Any]:
    """Give the JSON schema of an answer, in the form that strict `response_format` takes.

    Parameters
    ----------
    offered
        Labels that may be answered.
    bounded
        Whether to bound the length of the reason and the number of cited stretches. A small model that repeats itself
        is then led to its label; but several servers refuse such bounds. On return they hold in any case.

    Returns
    -------
    dict
        Every property is required and none may be added, as OpenAI's structured outputs want it; what is optional may
        be null.

    Raises
    ------
    InputError
        No label, a label twice, one that means "none of them", or one that a model would not be shown as it is: empty,
        too long, with blanks at its ends, or with characters that don't show.

    Examples
    --------
    >>> answer_schema(["N", "A"])["properties"]["label"]["enum"]
    ['N', 'A', 'none']
    """
    if not offered:
        raise InputError("no label was offered; an answer needs at least one to choose from")
    if len(set(offered)) != len(offered):
        raise InputError(f"a label was offered twice ({', '.join(offered)}); offer each once")
    if same := [label for label in offered if label.strip().casefold() == NONE]:
        raise InputError(f"a label is called {same[0]!r}, and {NONE!r} is the answer for no label; rename the label")
    # Answers are compared character for character, so a label has to be shown character for character.
    if odd := [one for one in offered if not one.strip() == one == visible(one, _LONGEST_LABEL) or not one]:
        raise InputError(
            f"the label {visible(odd[0], 40)!r} can't be offered: a label must be 1 to {_LONGEST_LABEL} characters "
            "that show, on one line, without blanks at its ends; rename the label in the specialist"
        )
    number = {"type": "number"}
    stretch = {
        "type": "object",
        "properties": {"start": number, "stop": number},
        "required": ["start", "stop"],
        "additionalProperties": False,
    }
    confidence = {"anyOf": [{"type": "string", "enum": ["low", "medium", "high"]}, {"type": "null"}]}
    return {
        "type": "object",
        "properties": {
            "reason": {"type": "string", **({"maxLength": _REASON} if bounded else {})},
            "cited": {"type": "array", "items": stretch, **({"maxItems": _CITED} if bounded else {})},
            "label": {"type": "string", "enum": [*offered, NONE]},
            "confidence": confidence,
        },
        "required": ["reason", "cited", "label", "confidence"],
        "additionalProperties": False,
    }


def read_answer(text: str) -> Answer | Unusable:
    """Read an answer that is one JSON object and nothing else.

    A block of thinking before it and one code fence around it are taken off, as many models that know no schema add
    them. JSON somewhere in prose is not searched for: which of several objects was meant would be a guess.

    Parameters
    ----------
    text
        Anything.

    Examples
    --------
    >>> read_answer('{"reason": "r", "cited": [], "label": "N"}').label
    'N'
    >>> read_answer("It is N.")
    Unusable(why='off_schema', said='the answer is not one JSON object')
    """
    body = _bare(text)
    if not body.startswith("{"):
        return Unusable("off_schema", _NO_OBJECT)
    try:
        found = json.loads(
            body, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite, parse_int=_whole
        )
        return Answer.model_validate(found)
    except (ValueError, RecursionError) as error:
        return _fault(error, body)


_NO_OBJECT = "the answer is not one JSON object"


def _fault(error: ValueError | RecursionError, body: str) -> Unusable:
    if isinstance(error, ValidationError):
        fault = error.errors(include_url=False, include_input=False)[0]
        # A name that the model invented is not repeated.
        where = ".".join(str(place) for place in fault["loc"] if place in _KNOWN or isinstance(place, int))
        said = f"the answer does not follow the schema: {where or 'a field'}: {fault['msg']}"
    elif isinstance(error, json.JSONDecodeError):
        if error.pos >= len(body) or error.msg.startswith("Unterminated"):
            return Unusable("truncated", "the answer ends in the middle of its JSON")
        said = _NO_OBJECT
    elif isinstance(error, RecursionError):
        said = "the answer is nested too deeply"
    else:
        said = f"the answer does not follow the schema: {error}"
    return Unusable("off_schema", said)


_KNOWN = {*Answer.model_fields, *Cited.model_fields}


def _bare(text: str) -> str:
    """Take off a block of thinking and a code fence."""
    body = text.strip()
    opening, closing = _THINKING
    if body.startswith(opening) and closing in body:
        body = body.partition(closing)[2].strip()
    # Length first: the pattern would look through a long text for nothing.
    fenced = _FENCED.fullmatch(body) if body.startswith("```") and body.endswith("```") else None
    return fenced[1].strip() if fenced else body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a field stands in it twice")
    return found


def _no_constant(_: str) -> float:
    raise ValueError("NaN or infinity is no number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _whole(digits: str) -> float:
    # As a float at once: int() of thousands of digits is slow, and refused by Python.
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError("a number is too large")
    return _finite(digits)
