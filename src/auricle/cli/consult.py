"""`auricle consult`: a language model's opinion on the windows that need one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from auricle.cli.options import (
    Alpha,
    EndpointUrl,
    Flag,
    JsonLines,
    Lead,
    ModelName,
    Rate,
    Recordings,
    SpecialistPlace,
    Unit,
    at_least,
    check_folder,
)
from auricle.cli.terminal import counting, note, plain, print_line, progress
from auricle.errors import InputError

if TYPE_CHECKING:
    from auricle.cli.asking import Asked
    from auricle.consult.consultation import Consultation
    from auricle.consult.heard import Heard
    from auricle.consult.windows import Briefer, Chosen

LOG = "consultations.jsonl"


def consult(
    specialist: SpecialistPlace,
    paths: Recordings,
    /,
    *,
    endpoint: EndpointUrl = None,
    model: ModelName = None,
    local: Flag = False,
    alpha: Alpha = 0.1,
    all: Flag = False,  # noqa: A002 -- the flag's name
    most: Annotated[int, at_least(1)] = 50,
    show: Literal["evidence", "plain", "none"] = "evidence",
    lead: Lead = None,
    fs: Rate = None,
    unit: Unit = None,
    dry_run: Flag = False,
    out: Path | None = None,
    json: JsonLines = False,
) -> int:
    """Ask a language model about windows, each with a briefing: pictures with the evidence, the set, and numbers.

    Only windows that are not confident are sent, unless --all. An answer outside the set is kept as disagreement, never
    as support; one that can't be used is no opinion. No names, ids, dates or paths are sent. Needs the extra consult:
    pip install 'auricle[consult]'; --dry-run needs none.

    Parameters
    ----------
    local
        Start the small local model, ask it, and stop it. It shows that all works; its opinions are worth nothing. Needs
        the extra local-llm and the model's weights: `make local-llm` in a checkout brings both.
    all
        Send confident windows too.
    most
        Most windows to ask about: those that need eyes most, the unfamiliar ones first, then the least certain.
    show
        What the pictures show: the evidence, the plain signal, or none at all.
    dry_run
        Write the requests with their pictures to --out, and send nothing.
    out
        Folder for what is sent and what comes back; a second run with it asks nothing twice. If not given,
        auricle/consult in the user's folder for data.
    """
    from auricle.cli.asking import kept_folder, whom
    from auricle.cli.judge import judge_of
    from auricle.consult.windows import Briefer, choose
    from auricle.signals import find_recordings

    if dry_run and out is None:
        raise InputError("--dry-run writes requests and needs a folder for them; give --out DIR")
    if dry_run and (endpoint or local):
        note("--dry-run: nothing is sent, whoever is named")
    check_folder(out)
    asked = None if dry_run else whom(endpoint, model, local=local)
    sources = find_recordings(paths, fs=fs, unit=unit)
    judge = judge_of(specialist)
    with progress() as update:
        chosen = choose(
            judge, sources, alpha=alpha, lead=lead, confident=all, most=most, progress=counting(update, "judging")
        )
    note(f"{chosen.judged} windows, {chosen.wanted} to ask about{_left_out(chosen)}")
    if not chosen.windows:
        note("every window is confident: nothing needs an opinion; --all asks about them too")
        return 0
    briefer = Briefer(specialist=judge, windows=chosen.windows, show=show)
    if asked is None:
        assert out is not None
        return _written(briefer, model or "MODEL", out)
    return _opinions(briefer, asked, keep=out or kept_folder(), json=json)


def _left_out(chosen: "Chosen") -> str:
    left = ", ".join(f"{n} {state}" for state, n in chosen.left.items())
    if not left:
        return ""
    count = len(chosen.windows)
    taken = "the one that needs eyes most is taken" if count == 1 else f"the {count} that need eyes most are taken"
    return f"; {taken}, left out are {left}; --most {chosen.wanted} takes all"


def _written(briefer: "Briefer", model: str, out: Path) -> int:
    from auricle.consult.request import request_of

    count = len(briefer.windows)
    with progress() as update:
        for i in range(count):
            for path in request_of(briefer(i), model=model).write(out, number=i):
                print(path)
            update(i + 1, count, "writing requests")
    note(f"{count} requests in {out}; nothing was sent")
    return 0


def _opinions(briefer: "Briefer", whom: "Asked", *, keep: Path, json: bool) -> int:
    from auricle.cli.asking import consultant
    from auricle.consult.consultation import Consultation
    from auricle.consult.log import add_line

    keep.mkdir(parents=True, exist_ok=True)
    count = len(briefer.windows)
    told: dict[int, Consultation] = {}
    shown = 0
    with consultant(whom, keep=keep, sent=True) as asked, progress() as update:
        name = asked.server.endpoint.name

        def heard(i: int, found: "Heard") -> None:
            nonlocal shown
            told[i] = Consultation.of(briefer.windows[i][1], found, server=name, created=datetime.now(UTC))
            add_line(keep / LOG, told[i].to_json())
            while shown in told:  # in the order of the windows, however the answers come
                _show(told[shown], json=json)
                shown += 1
            update(len(told), count, "asking")

        asked.ask(count, briefer, on_heard=heard)
    states = [one.opinion.state for one in told.values()]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    tokens = sum(one.tokens_in + one.tokens_out for one in told.values())
    note(f"{count} windows: {counts}; {tokens} tokens; what was sent and what came back: {keep}")
    return 0


def _show(one: "Consultation", *, json: bool) -> None:
    if json:
        print_line(one.to_json())
    else:
        print("\n".join(map(plain, str(one).splitlines())))
