"""What an assistant may ask a desk: each tool with its arguments, and a sentence on what was wrong with them."""

import base64
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from auricle.consult.desk import MOST, Desk
from auricle.errors import InputError
from auricle.signals.visible import visible
from auricle.toml import nearest

MOST_BYTES: Final = 900_000
"""Of one answer, pictures in base64 included; several assistants refuse a megabyte."""
_SHOWN: Final = 60
"""Characters of a wrong argument that are repeated."""


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")
    return value


class Nothing(BaseModel):
    """No arguments."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OfRecording(Nothing):
    """A recording."""

    recording: str = Field(description='"r1", "r2", ..., as `about` lists them')


class OfWindow(OfRecording):
    """A window of a recording."""

    window: Annotated[int, BeforeValidator(_no_truth)] = Field(
        description="number of the window in its recording, from 0", ge=0
    )


class OfWindows(OfRecording):
    """Some windows of a recording."""

    first: Annotated[int, BeforeValidator(_no_truth)] = Field(0, description="first window, from 0", ge=0)
    count: Annotated[int, BeforeValidator(_no_truth)] = Field(20, description="how many windows", ge=1, le=MOST)


class OfBriefing(OfWindow):
    """A window, and which pictures."""

    pictures: Literal["evidence", "plain", "none"] = Field("evidence", description="which pictures")


class Picture(NamedTuple):
    """A PNG file."""

    base64: str


Part = str | Picture


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One thing that may be asked.

    Attributes
    ----------
    name, description
        For the assistant.
    arguments
        What is taken.
    answer
        Gives a plain value, or the parts of a text with pictures.
    """

    name: str
    description: str
    arguments: type[Nothing]
    answer: Callable[[Desk, Any], dict[str, Any] | list[Part]]


def _briefing(desk: Desk, given: OfBriefing) -> list[Part]:
    made = desk.briefing(given.recording, given.window, show=given.pictures)
    parts = [part if isinstance(part, str) else Picture(base64.b64encode(part.png).decode()) for part in made.parts]
    return [made.instructions, *parts]


TOOLS: Final = (
    Tool(
        name="about",
        description="What the specialist judges, what its sets promise, and which recordings there are.",
        arguments=Nothing,
        answer=lambda desk, _: desk.about(),
    ),
    Tool(
        name="read",
        description="Length, rate and number of channels of a recording.",
        arguments=OfRecording,
        answer=lambda desk, given: desk.read(given.recording),
    ),
    Tool(
        name="predict",
        description="Sets, states, scores and p-values of some windows of a recording.",
        arguments=OfWindows,
        answer=lambda desk, given: desk.predict(given.recording, first=given.first, count=given.count),
    ),
    Tool(
        name="explain",
        description="The finding about one window, with the stretches that speak for each label of its set.",
        arguments=OfWindow,
        answer=lambda desk, given: desk.explain(given.recording, given.window),
    ),
    Tool(
        name="briefing",
        description="The briefing on one window: text, and pictures of the signal with the evidence for each label.",
        arguments=OfBriefing,
        answer=_briefing,
    ),
)


def answered(desk: Desk, name: str, arguments: Mapping[str, Any]) -> dict[str, Any] | list[Part]:
    """Answer what an assistant asked.

    Parameters
    ----------
    desk
        Is asked.
    name, arguments
        Anything.

    Raises
    ------
    InputError
        There is no such tool, its arguments are wrong, the desk can't answer, or the answer is larger than
        `MOST_BYTES`. The sentence is for the assistant: it names no file.
    """
    tool = next((one for one in TOOLS if one.name == name), None)
    if tool is None:
        known = nearest(name[:_SHOWN], [one.name for one in TOOLS])
        raise InputError(f"there is no tool {visible(name, _SHOWN)!r}{known}")
    given = checked(tool, arguments)
    try:
        answer = tool.answer(desk, given)
    except InputError:
        raise
    # The desk tells what a recording does; what is left is a fault of auricle's own, which may hold any text.
    except Exception as error:  # noqa: BLE001
        desk.tell(f"{name}: {type(error).__name__}: {error}")
        raise InputError(f"{name} failed; the person at the computer is told why") from None
    size = _size(answer)
    if size > MOST_BYTES:
        less = "fewer windows (count)" if name == "predict" else 'pictures="plain" or "none"'
        raise InputError(
            f"the answer of {name} would take {size / 1e6:.1f} MB, and an assistant is sent at most "
            f"{MOST_BYTES / 1e6:g} MB; ask for {less}"
        )
    return answer


def checked(tool: Tool, arguments: Mapping[str, Any]) -> Nothing:
    """Read the arguments of a tool.

    Digits in quotes count as a number, as many models write them so.

    Raises
    ------
    InputError
        One is missing, unknown or out of range; the first of them is named.

    Examples
    --------
    >>> checked(TOOLS[2], {"recording": "r1", "count": 1000})
    Traceback (most recent call last):
    auricle.errors.InputError: predict was asked with count=1000; it must be a whole number from 1 to 100
    """
    try:
        return tool.arguments.model_validate(dict(arguments))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
    # Of a misspelt name both halves are told, unknown and missing; the one that holds what was given says more.
    fault = min(faults, key=lambda one: one["type"] != "extra_forbidden")
    name = str(fault["loc"][0])
    fields = tool.arguments.model_json_schema()["properties"] if tool.arguments.model_fields else {}
    if fault["type"] == "extra_forbidden":
        known = nearest(name[:_SHOWN], fields) if fields else "; it takes none"
        raise InputError(f"{tool.name} takes no argument {visible(name, _SHOWN)!r}{known}")
    allowed = _allowed(fields[name])
    if fault["type"] == "missing":
        raise InputError(f"{tool.name} needs the argument {name}; it must be {allowed}")
    raise InputError(f"{tool.name} was asked with {name}={_written(fault['input'])}; it must be {allowed}")


def _written(value: object) -> str:
    """Write what was given as it came; what JSON can't hold, or Python won't write, by its kind."""
    try:
        return visible(json.dumps(value, ensure_ascii=False, default=str), _SHOWN)
    except (ValueError, RecursionError):  # thousands of digits, thousands of brackets
        return f"({type(value).__name__})"


def _allowed(field: Mapping[str, Any]) -> str:
    """Say what an argument may be, from its JSON schema."""
    if "enum" in field:
        *some, last = (json.dumps(one) for one in field["enum"])
        return f"{', '.join(some)} or {last}"
    if field["type"] == "integer":
        most = field.get("maximum", math.inf)
        least = f"from {field['minimum']}"
        return f"a whole number {least} on" if most == math.inf else f"a whole number {least} to {most}"
    return str(field["description"])


def _size(answer: dict[str, Any] | list[Part]) -> int:
    if isinstance(answer, dict):
        return len(json.dumps(answer))
    return sum(len(one) if isinstance(one, str) else len(one.base64) for one in answer)
