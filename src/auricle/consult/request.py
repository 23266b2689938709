"""The exact request that is sent about a briefing: the body of POST /chat/completions."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from auricle.consult import sentences
from auricle.consult.answer import NONE, answer_schema
from auricle.consult.briefing import Briefing, Picture
from auricle.consult.paragraphs import quoted
from auricle.consult.parameters import Parameters
from auricle.errors import InputError
from auricle.signals.readers.files import appearing

_PICTURE = "data:image/png;base64,"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request that may be sent: one that holds identifying text can't be made.

    Attributes
    ----------
    body
        As JSON has it.
    briefing
        What it was made of.

    Raises
    ------
    IdentifyingError
        The text of the body holds something that the briefing's guard refuses.
    """

    body: Mapping[str, Any]
    briefing: Briefing = field(repr=False)

    def __post_init__(self) -> None:
        self.briefing.guard.check(self.text)

    @cached_property
    def content(self) -> bytes:
        """The body as canonical JSON: keys in order, no blanks, UTF-8."""
        text = json.dumps(self.body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode()

    @property
    def hash(self) -> str:
        """SHA-256 of the content, under which an answer can be kept."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def text(self) -> str:
        """Every text in it that a model reads: what the messages say, and the schema."""
        said = [message["content"] for message in self.body.get("messages", ())]
        form = self.body.get("response_format", {}).get("json_schema", {}).get("schema", {})
        return "\n".join(text for text in (*_texts(said), *_texts(form)) if not text.startswith(_PICTURE))

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures in it, in order."""
        sent = {text for text in _texts(self.body.get("messages", ())) if text.startswith(_PICTURE)}
        return tuple(one for one in self.briefing.pictures if _url(one) in sent)

    def write(self, folder: str | Path, *, number: int | None = None, name: str = "") -> tuple[Path, ...]:
        """Write the request and its pictures for a person to look at; each file appears whole or not at all.

        Parameters
        ----------
        folder
            Where; it is made if need be.
        number
            Of the request; None takes the first that is free.
        name
            Stands in the names of the files in place of a number.

        Returns
        -------
        tuple of Path
            `request-<number>.json`, the canonical content, and a `request-<number>-<picture>.png` for each picture.

        Raises
        ------
        InputError
            The folder can't be written.
        """
        place = Path(folder)
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{place} can't be made ({error.strerror}); name another folder") from error
        n = name or number
        if n is None:
            n = 0
            while (place / f"request-{n}.json").exists():
                n += 1
        contents = {f"request-{n}.json": self.content}
        contents |= {f"request-{n}-{one.name}.png": one.png for one in self.pictures}
        for file, data in contents.items():
            with appearing(place / file) as draft:
                draft.write_bytes(data)
        return tuple(place / file for file in contents)


def request_of(
    briefing: Briefing, *, model: str, pictures: bool = True, schema: bool = True, lengths: bool = False,
    system: bool = True, most_tokens: int = 700, seed: int = 0, parameters: Parameters | None = None,
    again: bool = False,
) -> Request:  # fmt: skip
    """Make the request about a briefing.

    Parameters
    ----------
    briefing
        What is told.
    model
        Name of the model, as the server has it.
    pictures
        Whether the server takes pictures. If not, the text says so, and measurements stand in for them.
    schema
        Whether the server takes a JSON schema. If not, the form of the answer is described in words.
    lengths
        Whether its schemas may bound lengths, see `answer_schema`.
    system
        Whether the server takes a system message. If not, its text begins the question.
    most_tokens
        Longest answer.
    seed
        For servers that draw; the temperature is 0 all the same.
    parameters
        Which of these the server takes, and by which names; None is all of them.
    again
        Whether the first answer could not be used. The text says so: at temperature 0 the same question would be
        answered in the same way.

    Raises
    ------
    IdentifyingError
        The text holds something that may identify a person.
    InputError
        A label can't be offered: see `answer_schema`.
    """
    parts = list(briefing.parts) if pictures else _without_pictures(briefing)
    form = answer_schema(briefing.offered, bounded=lengths)
    if not schema:
        labels = ", ".join(map(quoted, (*briefing.offered, NONE)))
        parts.append(sentences.IN_WORDS.format(labels=labels))
    if again:
        parts.append(sentences.AGAIN)
    messages: list[dict[str, Any]] = []
    if system:
        messages.append({"role": "system", "content": briefing.instructions})
    else:
        parts.insert(0, briefing.instructions)
    body: dict[str, Any] = {
        "model": model,
        "messages": [*messages, {"role": "user", "content": _content(parts)}],
        **(parameters or Parameters()).body(most_tokens=most_tokens, seed=seed),
    }
    if schema:
        described = {"name": "opinion", "strict": True, "schema": form}
        body["response_format"] = {"type": "json_schema", "json_schema": described}
    return Request(body=body, briefing=briefing)


def _without_pictures(briefing: Briefing) -> list[str | Picture]:
    captions = {one.caption for one in briefing.pictures}
    texts = [part for part in briefing.parts if isinstance(part, str) and part not in captions]
    if not briefing.pictures:
        return [*texts]
    said = [sentences.NO_PICTURES, briefing.stand_in]
    return [*texts[:-1], *filter(None, said), texts[-1]]


def _content(parts: list[str | Picture]) -> str | list[dict[str, Any]]:
    """Give the content of a message: plain text where there is no picture, as some servers take nothing else."""
    if not any(isinstance(part, Picture) for part in parts):
        return "\n\n".join(part for part in parts if isinstance(part, str))
    return [
        {"type": "text", "text": part}
        if isinstance(part, str)
        else {"type": "image_url", "image_url": {"url": _url(part), "detail": "high"}}
        for part in parts
    ]


def _url(one: Picture) -> str:
    return _PICTURE + base64.b64encode(one.png).decode("ascii")


def _texts(value: object) -> Iterator[str]:
    """Give every text in a JSON value but the keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
