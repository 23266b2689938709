"""Asking about briefings: several at once, and once more where an answer can't be used."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from auricle.consult.briefing import Briefing
from auricle.consult.failures import ServerError
from auricle.consult.heard import Heard
from auricle.consult.opinion import no_opinion, read_opinion, worth_retrying
from auricle.consult.preflight import Abilities
from auricle.consult.reply import Reply
from auricle.consult.request import Request, request_of
from auricle.consult.server import Server

MOST_TOKENS = 700
"""Of an answer, unless said otherwise."""

_DIGITS = 16

BriefingOf = Callable[[int], Briefing]
OnHeard = Callable[[int, Heard], None]
"""Called with the number of a briefing, from 0, and what was heard, as soon as it was."""


@dataclass(frozen=True, kw_only=True)
class Consultant:
    """A server and what it can do, ready to be asked.

    Attributes
    ----------
    server
        Whom to ask, and where answers are kept.
    abilities
        What `preflight` found out.
    most_tokens
        Longest answer.
    seed
        For servers that draw.
    sent
        Folder into which every request is written, with its pictures, before it is sent, under the first digits of its
        hash: several runs may share a folder, and none overwrites what another sent. None writes none.
    """

    server: Server
    abilities: Abilities
    most_tokens: int = MOST_TOKENS
    seed: int = 0
    sent: Path | None = None

    def request(self, briefing: Briefing, *, again: bool = False) -> Request:
        """Make the request about a briefing; the second time it says so, or it would be the same question."""
        return request_of(
            briefing, model=self.abilities.model, pictures=self.abilities.pictures, schema=self.abilities.schemas,
            system=self.abilities.system, lengths=self.abilities.lengths, parameters=self.abilities.parameters,
            most_tokens=self.most_tokens, seed=self.seed + again, again=again,
        )  # fmt: skip

    def ask(self, count: int, briefing: BriefingOf, *, on_heard: OnHeard | None = None) -> list[Heard]:
        """Ask about some briefings.

        Parameters
        ----------
        count
            How many.
        briefing
            Makes the one of a number, from 0: when it is to be sent, and once more if it has to be asked again.
        on_heard
            Called for each, in whatever order answers come.

        Returns
        -------
        What was heard, in the order of the briefings. A question that failed alone is "no opinion" with the reason.

        Raises
        ------
        ServerError
            The server can't be used at all.
        IdentifyingError
            A briefing would have sent something that may identify a person; nothing of it was sent.
        """
        heard: dict[int, Heard] = {}
        again: list[int] = []

        def first(i: int, found: Heard) -> None:
            heard[i] = found
            if worth_retrying(found.opinion):
                again.append(i)
            elif on_heard:
                on_heard(i, found)

        def second(i: int, found: Heard) -> None:
            heard[i] = _both(heard[i], found)
            if on_heard:
                on_heard(i, heard[i])

        self._round(briefing, range(count), again=False, take=first)
        self._round(briefing, sorted(again), again=True, take=second)
        return [heard[i] for i in range(count)]

    def _round(
        self, briefing: BriefingOf, chosen: Sequence[int], *, again: bool, take: Callable[[int, Heard], None]
    ) -> None:
        told: dict[int, tuple[Briefing, str]] = {}

        def requests() -> Iterator[Request]:
            for i in chosen:
                made = briefing(i)
                request = self.request(made, again=again)
                if self.sent is not None:
                    request.write(self.sent, name=request.hash[:_DIGITS])
                # Pictures are large and no longer needed once they are sent.
                told[i] = (replace(made, parts=()), request.hash)
                yield request

        def came(position: int, reply: Reply | ServerError) -> None:
            i = chosen[position]
            take(i, _heard(reply, *told.pop(i)))

        if chosen:
            self.server.ask_all(requests(), on_reply=came)


def _heard(reply: Reply | ServerError, briefing: Briefing, request: str) -> Heard:
    if isinstance(reply, ServerError):
        opinion = no_opinion("timeout" if reply.why == "timeout" else "server", str(reply))
        return Heard(opinion=opinion, request=request)
    return Heard(
        opinion=read_opinion(reply.text, reply.finish, briefing), request=request, text=reply.text, model=reply.model,
        tokens_in=reply.tokens_in, tokens_out=reply.tokens_out, seconds=reply.seconds, replayed=reply.replayed,
    )  # fmt: skip


def _both(before: Heard, after: Heard) -> Heard:
    """Put what two answers took together; the second one counts."""
    return replace(
        after, asked=2, tokens_in=before.tokens_in + after.tokens_in, tokens_out=before.tokens_out + after.tokens_out,
        seconds=before.seconds + after.seconds, replayed=before.replayed and after.replayed,
    )  # fmt: skip
