"""Lines of JSON as they arrive: findings, and true labels of windows that came before."""

import json
from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auricle.errors import FormatError, InputError
from auricle.finding import Finding
from auricle.signals.true_labels import TrueLabel
from auricle.signals.visible import visible


class _LabelLine(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    recording: str
    index: int = Field(ge=0)
    label: str


def read_stream(lines: Iterable[bytes], *, name: str) -> Iterator[Finding | TrueLabel]:
    r"""Read a line at a time: a finding, as `auricle predict --json` writes it, or a label.

    Parameters
    ----------
    lines
        As they arrive; empty ones are passed over.
    name
        What they come from, for messages.

    Raises
    ------
    FormatError
        A line is neither; the text names it.

    Examples
    --------
    >>> next(read_stream([b'{"recording": "x", "index": 3, "label": "A"}\n'], name="stdin"))
    TrueLabel(label='A', recording='x', index=3, start=None, where='stdin, line 1')
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        try:
            value = json.loads(line)
        except ValueError as error:
            raise FormatError(f"{where}: this is no JSON; a finding or a label is needed: {error}") from error
        if isinstance(value, dict) and "label" in value and "schema" not in value:
            yield _label(value, where)
        else:
            try:
                yield Finding.from_json(line)
            except FormatError as error:
                raise FormatError(f"{where}: {error}") from error


def _label(value: object, where: str) -> TrueLabel:
    try:
        read = _LabelLine.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise FormatError(
            f'{where}: a label is {{"recording": text, "index": number of the window from 0, "label": text}}; '
            f"{visible('.'.join(map(str, first['loc'])))}: {first['msg']}"
        ) from error
    return TrueLabel(label=read.label, recording=read.recording, index=read.index, where=where)


def of_one_specialist(found: Iterable[Finding | TrueLabel], hash_: str, name: str) -> Iterator[Finding | TrueLabel]:
    """Pass on what belongs to a specialist's findings.

    Parameters
    ----------
    found
        Findings and labels.
    hash_, name
        Of the specialist.

    Raises
    ------
    InputError
        A finding is another specialist's: its scores mean something else.
    """
    for one in found:
        if isinstance(one, Finding) and not hash_.startswith(one.specialist.hash):
            raise InputError(
                f"the finding about {visible(one.recording)} was made by {visible(one.specialist.name)} "
                f"{one.specialist.hash[:12]}, and {name} is {hash_[:12]}; watch with the specialist that made it"
            )
        yield one
