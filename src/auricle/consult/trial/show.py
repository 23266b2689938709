"""A trial as a table on the screen, as a page and as a figure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.console import Group
from rich.table import Table

from auricle.consult.trial.scoring import ALL, FEWEST, SPECIALIST

BLUE, GREY, RED = "#2563a8", "#9aa5b1", "#c2410c"
TOO_FEW = "too few to say"
HEADER = ["arm", "n", "right", "95 %", "gain", "95 %", "against", "silent", "tokens", "s"]


def rows(result: Mapping[str, Any], state: str) -> list[list[str]]:
    """Give a row of text for each arm, for the windows of one state or of all."""
    out = []
    for name, arm in result["arms"].items():
        if state not in arm:
            continue
        one = arm[state]
        row = [name, str(one["n"]), f"{one['accuracy']:.3f}", _between(one["low"], one["high"], ".2f")]
        if name == SPECIALIST:
            out.append([*row, *[""] * 6])
            continue
        out.append([
            *row, f"{one['gain']:+.3f}", _between(one["gain_low"], one["gain_high"], "+.2f"),
            f"{one['disagrees']:.2f}", f"{one['no_opinion']:.2f}", f"{one['tokens']:.0f}", f"{one['seconds']:.1f}",
        ])  # fmt: skip
    return out


def _between(low: float | None, high: float | None, digits: str) -> str:
    return TOO_FEW if low is None or high is None else f"{low:{digits}} to {high:{digits}}"


def states_of(result: Mapping[str, Any]) -> list[str]:
    """List the states that were drawn, and "all"."""
    return list(result["arms"][SPECIALIST])


def title_of(result: Mapping[str, Any], state: str) -> str:
    """Name a table."""
    if state == ALL:
        return "all windows, each state with its share of the data"
    return f"{state} ({100 * result['share'][state]:.1f} % of the data)"


def notes(result: Mapping[str, Any]) -> list[str]:
    """Say what the columns mean and what the numbers do not show."""
    paper = result["paper"]
    out = [
        *(f"{name}: {words}." for name, words in result["words"].items()),
        (
            "against: the answer disagrees with the set that was told. silent: no opinion. tokens, s: a question, on "
            "the mean. right: no opinion counts as not right. gain: over the specialist's label, which stands where "
            "there is no opinion; paired, intervals over persons."
        ),
        *_few(result),
        (
            "The paper, on other data, in percent (PTB-XL, Sleep-EDF): a model alone "
            f"{_pair(paper['alone_accuracy'])}; confident windows {_pair(paper['confident_precision'])}; uncertain "
            f"ones {_pair(paper['uncertain'])}. Left unsaid: {paper['unsaid']}."
        ),
    ]
    costs = [arm[ALL] for name, arm in result["arms"].items() if name != SPECIALIST]
    tokens, seconds = (sum(one[key] for one in costs) / len(costs) for key in ("tokens", "seconds"))
    out.append(f"A question took {tokens:.0f} tokens and {seconds:.1f} s on the mean.")
    constant = ", ".join(f"{state} {one['share']:.3f} ({one['label']})" for state, one in result["commonest"].items())
    out.append(f"Whoever always says the commonest label is right in: {constant}.")
    for name, said in result["said"].items():
        counts = ", ".join(f"{label} {n}" for label, n in sorted(said.items(), key=lambda pair: -pair[1]))
        out.append(f"{name} said: {counts or 'nothing'}.")
    if result["harm"]:
        said = ", ".join(
            f"{state} {TOO_FEW if value is None else format(value, '+.3f')}" for state, value in result["harm"].items()
        )
        out.append(f"A wrong set, against no set at all: {said}.")
    for name, why in result["why"].items():
        if why:
            reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(why.items(), key=lambda pair: -pair[1]))
            out.append(f"No opinion, {result['words'][name]}: {reasons}.")
    return out


def _few(result: Mapping[str, Any]) -> list[str]:
    if all(one["low"] is not None for one in result["arms"][SPECIALIST].values()):
        return []
    why = "not even all of five would tell a gain from chance"
    return [f"{TOO_FEW}: below {FEWEST} persons, or one outweighs the others; {why}. Take more windows (--n)."]


def _pair(values: Mapping[str, Any]) -> str:
    each = [one if isinstance(one, list) else [one] for one in values.values()]
    return ", ".join(" and ".join(f"{value:g}" for value in one) for one in each)


def table(result: dict[str, Any]) -> Group:
    """Lay everything out for a person."""
    made = []
    for state in states_of(result):
        # As wide as a terminal of 80 columns; what a question costs stands below.
        one = Table(title=title_of(result, state), box=None, pad_edge=False, padding=(0, 1, 0, 0))
        for i, name in enumerate(HEADER[:-2]):
            one.add_column(name, justify="right" if i else "left", no_wrap=True)
        for row in rows(result, state):
            one.add_row(*row[:-2])
        made.append(one)
    return Group(*made, *notes(result), *_caution(result))


def _caution(result: Mapping[str, Any]) -> list[str]:
    return [str(result["caution"])] if result.get("caution") else []


def markdown(result: dict[str, Any]) -> str:
    """Write the same as a page, with the figure beside it as trial.png."""
    parts = ["# What a language model's opinion adds", *(f"**{said}**" for said in _caution(result))]
    if about := result.get("about"):
        parts.append(str(about))
    parts.append("![Accuracy of each arm](trial.png)")
    for state in states_of(result):
        lines = ["| " + " | ".join(HEADER) + " |", "|---" + "|---:" * (len(HEADER) - 1) + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in rows(result, state)]
        parts += [f"## {title_of(result, state)}", "\n".join(lines)]
    parts.append("\n".join(f"- {note}" for note in notes(result)))
    return "\n\n".join(parts) + "\n"


def figure(result: dict[str, Any], path: str | Path) -> None:
    """Draw each arm's accuracy by state, with its interval; the specialist alone is the line."""
    states = states_of(result)
    names = [name for name in result["arms"] if name != SPECIALIST]
    drawn = Figure(figsize=(3.1 * len(states) + 3.0, 0.42 * len(names) + 1.6), layout="constrained")
    axes = np.atleast_1d(drawn.subplots(1, len(states), sharey=True))
    y = np.arange(len(names))[::-1]
    for axis, state in zip(axes, states, strict=True):
        entries = [result["arms"][name][state] for name in names]
        middle = np.array([one["accuracy"] for one in entries])
        if entries[0]["low"] is None:
            axis.plot(middle, y, color=BLUE, marker="o", linestyle="none", fillstyle="none")
            axis.text(0.5, 0.5, TOO_FEW, transform=axis.transAxes, ha="center", color=GREY, fontsize=9)
        else:
            spread = np.array([[one["accuracy"] - one["low"], one["high"] - one["accuracy"]] for one in entries]).T
            axis.errorbar(middle, y, xerr=np.maximum(spread, 0), color=BLUE, marker="o", linestyle="none", capsize=3)
        axis.axvline(result["arms"][SPECIALIST][state]["accuracy"], color=GREY, linewidth=1.5)
        axis.set_xlim(-0.03, 1.03)
        n = entries[0]["n"]
        axis.set_title(f"{state}, {n} window{'' if n == 1 else 's'}", fontsize=10)
        axis.set_xlabel("share right", fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(y, [result["words"][name] for name in names], fontsize=9)
    drawn.suptitle("grey line: the specialist alone; bars: 95 % over persons", fontsize=9, color="#555555")
    drawn.savefig(path, dpi=140)
