"""What asking a language model costs before it answers: briefings, pictures, and whether a slow server is kept busy."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from matplotlib.figure import Figure
from rich.table import Table

from auricle.bench.slow_server import MODEL, slow_server
from auricle.bench.timing import quartiles
from auricle.consult.briefing import brief
from auricle.consult.endpoint import Endpoint
from auricle.consult.request import Request, request_of
from auricle.consult.server import Server
from auricle.errors import InputError
from auricle.evaluation import Progress
from auricle.signals import Recording
from auricle.signals.simulate import atrial_fibrillation, sinus, with_ectopic_beats
from auricle.specialist import Specialist

if TYPE_CHECKING:
    from auricle.finding import Finding

Show = Literal["evidence", "plain", "none"]
SHOWN: Final[tuple[Show, ...]] = ("evidence", "plain", "none")
SHOWS: Final = {"evidence": "pictures with evidence", "plain": "one plain picture", "none": "no picture"}
AT_ONCE: Final = (1, 2, 4, 8, 16)
LONGEST: Final = 30.0
IN_USE: Final = 8
"""Windows that are explained, briefed on and asked about at a stretch."""

_Row = tuple[str, str, str, str]


def run(
    specialist: Specialist, *, windows: int = 24, delay: float = 0.5, rounds: int = 5, seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Time briefings on simulated ECG, and a server that waits before every answer.

    Parameters
    ----------
    specialist
        For one ECG lead, calibrated.
    windows
        Strips of 30 s, a third each of sinus rhythm, atrial fibrillation and ectopic beats.
    delay
        How long the server takes for an answer, in s.
    rounds
        How often the requests are sent with each number at once; within a round, in random order.

    Returns
    -------
    dict
        `finding`: seconds to judge a window and look for its evidence; `briefing`: by what is shown, seconds for text,
        pictures and request, `per_second`, `request_bytes`; `picture_bytes`; `asking`: by requests at once, seconds
        for all, and `speedup` over one at a time within a round; `in_use`: seconds to look for the evidence of some
        windows, brief and ask, four at once, with all briefings made `before` the first question, and `meanwhile`.
        Other times and sizes are quartiles.

    Raises
    ------
    InputError
        A delay out of range.
    """
    if not 0 < delay <= LONGEST:
        raise InputError(f"delay={delay:g} was given; it must be above 0 and at most {LONGEST:g}, in s")
    strips = [_strip(i, seed) for i in range(windows)]
    steps = 2 * windows + rounds * len(AT_ONCE) + 1
    judged: list[tuple[Finding, Recording]] = []
    finding: list[float] = []
    for i, strip in enumerate(strips):
        start = time.perf_counter()
        judged += [(one, strip) for one in specialist.findings(strip)]
        finding.append(time.perf_counter() - start)
        if progress:
            progress(i + 1, steps, "judging")
    definitions = {str(one.label): one for one in specialist.manifest().labels}
    spent: dict[str, list[float]] = {show: [] for show in SHOWN}
    made: dict[str, list[Request]] = {show: [] for show in SHOWN}
    for i, (one, strip) in enumerate(judged):
        for show in SHOWN:
            start = time.perf_counter()
            made[show].append(request_of(brief(one, strip, definitions=definitions, show=show), model=MODEL))
            spent[show].append(time.perf_counter() - start)
        if progress:
            progress(windows + min(i + 1, windows), steps, "writing briefings")

    def asked(done: int) -> None:
        if progress:
            progress(2 * windows + done, steps, "asking")

    asking = _asking(made["evidence"], delay, rounds, seed, asked)
    in_use = _in_use(specialist, judged[:IN_USE], delay)
    asked(rounds * len(AT_ONCE) + 1)
    pictures = [len(picture.png) for request in made["evidence"] for picture in request.pictures]
    return {
        "specialist": {"name": specialist.manifest().name, "hash": specialist.hash_},
        "data": "simulated ECG, one lead, 30 s", "windows": len(judged), "delay_s": delay, "rounds": rounds,
        "finding": {"seconds": quartiles(finding)},
        "briefing": {
            show: {
                "seconds": quartiles(spent[show]),
                "per_second": len(judged) / sum(spent[show]),
                "request_bytes": quartiles([len(one.content) for one in made[show]]),
            }
            for show in SHOWN
        },
        "picture_bytes": quartiles(pictures),
        "asking": asking,
        "in_use": in_use,
    }  # fmt: skip


def _strip(i: int, seed: int) -> Recording:
    own = 1000 * seed + i
    if i % 3 == 0:
        return sinus(30, seed=own)
    if i % 3 == 1:
        return atrial_fibrillation(30, seed=own)
    return with_ectopic_beats(30, at=(6.0, 14.0, 22.0), seed=own)


def _asking(
    requests: Sequence[Request], delay: float, rounds: int, seed: int, done: Callable[[int], None]
) -> dict[str, dict[str, Any]]:
    rng = np.random.default_rng(seed)
    spent: dict[int, list[float]] = {at_once: [] for at_once in AT_ONCE}
    with slow_server(delay) as url:
        Server(Endpoint(url=url, model=MODEL)).ask_all(requests[:1])  # what is loaded only once
        for turn in range(rounds):
            for count, i in enumerate(rng.permutation(len(AT_ONCE))):
                at_once = AT_ONCE[i]
                server = Server(Endpoint(url=url, model=MODEL, most_at_once=at_once))
                start = time.perf_counter()
                server.ask_all(requests)
                spent[at_once].append(time.perf_counter() - start)
                done(turn * len(AT_ONCE) + count + 1)
    alone = spent[1]
    return {
        str(at_once): {
            "seconds": quartiles(spent[at_once]),
            "speedup": quartiles([one / many for one, many in zip(alone, spent[at_once], strict=True)]),
            "most": len(requests) / -(-len(requests) // at_once),
        }
        for at_once in AT_ONCE
    }


def _in_use(specialist: Specialist, judged: "Sequence[tuple[Finding, Recording]]", delay: float) -> dict[str, Any]:
    definitions = {str(one.label): one for one in specialist.manifest().labels}

    def made() -> Iterator[Request]:
        for one, strip in judged:
            yield request_of(brief(specialist.explained(strip, one), strip, definitions=definitions), model=MODEL)

    spent = {}
    with slow_server(delay) as url:
        for name, requests in (("meanwhile", made), ("before", lambda: list(made()))):
            start = time.perf_counter()
            Server(Endpoint(url=url, model=MODEL, most_at_once=4)).ask_all(requests())
            spent[name] = time.perf_counter() - start
    return {"windows": len(judged), **spent}


def table(result: dict[str, Any]) -> Table:
    """Lay the costs out for a person."""
    made = Table(title=f"Asking about {result['windows']} windows: {result['data']}, {result['specialist']['name']}")
    for heading in ("", "median", "middle half", ""):
        made.add_column(heading, justify="right" if heading else "left")
    for row in _rows(result):
        made.add_row(*row)
    return made


def markdown(result: dict[str, Any], command: str) -> str:
    """Write the page that stands in the documentation."""
    about = (
        f"`{command}`: {result['windows']} windows of {result['data']}, specialist `{result['specialist']['name']}`. "
        f"The server is a stand-in on the same machine, which waits {result['delay_s']:g} s before each answer, "
        "however many are under way. The requests hold pictures with evidence. A speed-up is taken in a round, over "
        'one request at a time; "at most" is the number of windows over that of full waits.'
    )
    lines = [
        "# Asking a language model: what it costs before an answer comes", "", about, "",
        "![Requests at once against time](consult.png)", "",
        "| | median | middle half | |", "|---|---:|---:|---|",
        *("| " + " | ".join(row) + " |" for row in _rows(result)), "",
    ]  # fmt: skip
    return "\n".join(lines)


def _rows(result: dict[str, Any]) -> list[_Row]:
    def row(name: str, found: dict[str, float], digits: str, scale: float = 1, note: str = "") -> _Row:
        low, median, high = (format(found[key] / scale, digits) for key in ("low", "median", "high"))
        return name, median, f"{low} to {high}", note

    rows = [row("judging and evidence, s", result["finding"]["seconds"], ".2f")]
    for show, found in result["briefing"].items():
        each = f"{found['per_second']:.1f} a second"
        rows.append(row(f"briefing, {SHOWS[show]}, s", found["seconds"], ".3f", note=each))
        rows.append(row(f"request, {SHOWS[show]}, kB", found["request_bytes"], ".0f", 1000))
    rows.append(row("a picture, kB", result["picture_bytes"], ".0f", 1000))
    for at_once, found in result["asking"].items():
        name = f"asking, {at_once} at once, s" if at_once != "1" else "asking, one at a time, s"
        gain = found["speedup"]
        note = (
            f"{gain['median']:.1f} times as fast ({gain['low']:.1f} to {gain['high']:.1f}), at most {found['most']:.1f}"
        )
        rows.append(row(name, found["seconds"], ".1f", note="" if at_once == "1" else note))
    used = result["in_use"]
    note = f"{used['before']:.1f} if all were made first"
    rows.append((f"evidence, briefing and asking, {used['windows']} windows, s", f"{used['meanwhile']:.1f}", "", note))
    return rows


def figure(result: dict[str, Any], path: Path) -> None:
    """Draw the speed-up by requests at once beside the most there can be."""
    drawing = Figure(figsize=(6.0, 3.6), layout="constrained")
    axes = drawing.add_subplot()
    at_once = [int(one) for one in result["asking"]]
    found = list(result["asking"].values())
    median, low, high = ([one["speedup"][key] for one in found] for key in ("median", "low", "high"))
    axes.plot(at_once, [one["most"] for one in found], "s--", color="0.55", label="at most")
    spread = [np.subtract(median, low), np.subtract(high, median)]
    axes.errorbar(at_once, median, yerr=spread, fmt="o-", color="#0b5fa5", capsize=3, label="measured, middle half")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xticks(at_once, list(map(str, at_once)))
    axes.set_yticks(at_once, list(map(str, at_once)))
    axes.set_xlabel("requests under way at once")
    axes.set_ylabel("times as fast as one at a time")
    axes.set_title(f"A server that takes {result['delay_s']:g} s for an answer, {result['windows']} windows")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    drawing.savefig(path, dpi=150, metadata={"Software": None})
