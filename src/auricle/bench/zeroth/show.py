"""The result as tables on the screen, as a page and as figures."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Group
from rich.table import Table

from auricle.bench.zeroth.arms import ARMS
from auricle.bench.zeroth.glossary import glossary
from auricle.zeroth import Pool

MODEL_NAMES = {
    "minilm": "MiniLM, 22.6 M, 16 x 64 tokens",
    "roberta_base": "RoBERTa base, 124 M, 8 x 64 tokens",
    "conmil_1": "ConMIL stride 1, 8 x 3,000 samples",
    "conmil_8": "ConMIL stride 8, 8 x 3,000 samples",
}
TASK_NAMES = {"trec": "TREC, 6 classes", "sst2": "SST-2, 2 classes", "shifted": "sleep stages, changed signal"}
BLUE, GREY, RED = "#2563a8", "#9aa5b1", "#c2410c"

Rows = list[list[str]]


def table(result: dict[str, Any]) -> Group:
    """Lay everything out for a person."""
    shown = []
    for title, header, rows in tables(result):
        made = Table(title=title)
        for i, name in enumerate(header):
            made.add_column(name, justify="right" if i else "left")
        for row in rows:
            made.add_row(*row)
        shown.append(made)
    notes = [f"{one['model']}: not run, {one['reason']}" for one in result["skipped"]]
    return Group(*shown, f"convergence: {result['convergence_source']}", *notes)


def markdown(result: dict[str, Any]) -> str:
    """Write the same tables as a page.

    Returns
    -------
    Markdown, with the figure beside it as zeroth.png.
    """
    machine = result["machine"]
    note = f" {result['note'][:1].upper()}{result['note'][1:]}." if result.get("note") else ""
    arms = [*ARMS, *(arm for found in result["convergence"].values() for arm in found)]
    parts = [
        "# What forward-only training costs, and where it leads",
        (
            f"`auricle bench zeroth --out docs/bench` on {machine['processor']}, {machine['cores']} cores (load "
            f"{machine['load']}), {result['threads']} thread(s), torch {machine['torch']}, {machine['date']}. Ratios "
            f"are medians over alternating pairs, quartiles in brackets; musts are those of the issue.{note}"
        ),
        "## Arms",
        "\n".join(f"- `{name}`: {meaning}" for name, meaning in glossary(arms)),
        "![Cost and convergence](zeroth.png)",
    ]
    for title, header, rows in tables(result):
        lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in rows]
        parts += [f"## {title}", "\n".join(lines)]
    missed = [one for one in result["musts"] if not one["met"]]
    parts.append("## Missed")
    parts.append(
        "\n".join(f"- {one['what']}: {one['value']:.3g} {one['unit']}, must {one['must']:.3g}" for one in missed)
        or "Nothing."
    )
    parts += [f"{one['model']} was not run: {one['reason']}" for one in result["skipped"]]
    parts.append(f"Convergence: {result['convergence_source']}. What was decided before: ../zeroth-convergence.md.")
    return "\n\n".join(parts) + "\n"


def tables(result: dict[str, Any]) -> Iterable[tuple[str, list[str], Rows]]:
    """Title, header and rows of each table."""
    details = result["details"]
    arms = list(ARMS)
    yield (
        "Time of a step, times two forward passes (must for the pools: 1.10)",
        ["", *arms],
        [
            [MODEL_NAMES.get(model, model), *(_ratio(found.get(arm)) for arm in arms)]
            for model, found in details["steps"].items()
        ],
    )
    yield (
        "Time of one perturbation pass over 22.6 M weights, times scaling them in place (must for the pool: 1.25)",
        ["", *arms],
        [
            [f"{count} thread" + "s" * (count > 1), *(_ratio(found.get(arm)) for arm in arms)]
            for count, found in ((result["threads"], details["passes"]), (1, details["passes_of_one_thread"]))
            if found
        ],
    )
    if details["memory"]:
        yield (
            "Peak memory over inference, MB (must for the pools: pool and 1 % of the weights)",
            ["", "inference", "1 % of weights", *arms],
            [
                [
                    MODEL_NAMES.get(model, model), f"{found['inference']:.0f}", f"{found['weights'] / 100:.2f}",
                    *(f"{found['arms'][arm]:.2f}" if arm in found["arms"] else "" for arm in arms),
                ]
                for model, found in details["memory"].items()
            ],
        )  # fmt: skip
    ledger = result["ledger"]
    yield (
        f"Ledger of {ledger['steps']:,} steps, {ledger['weights'] / 1e6:.1f} M weights",
        ["", "value", "must"],
        [
            ["bytes a step", f"{ledger['bytes_per_step']:.2f}", ""],
            ["replay of a step over one pass", f"{ledger['replay_over_pass']:.4f}", "1.0"],
            ["replay of the whole run, s", f"{ledger['replay_seconds']:.2f}", ""],
            ["numbers a worker hands on in a step", str(ledger["scalars_per_step"]), ""],
        ],
    )
    for task, found in result["convergence"].items():
        first = next(iter(found.values()))
        yield (
            f"{TASK_NAMES.get(task, task)}: {first['of']} after {first['forwards']:,} forward passes",
            ["", "lr", "seeds", first["of"], "95 % interval", "difference to mezo", "shown", "passes to mezo's loss"],
            [[arm, *_converged(one)] for arm, one in found.items()],
        )


def _ratio(found: Mapping[str, float] | None) -> str:
    return f"{found['median']:.2f} ({found['low']:.2f} to {found['high']:.2f})" if found else ""


def _converged(one: Mapping[str, Any]) -> list[str]:
    lr = f"{one['lr']:.1e}"
    if one["metric"] is None:
        return [lr, "", "", "", "", f"{one['diverged']} runs diverged", ""]
    interval = [str(len(one["values"][one["of"]])), f"{one['metric']:.3f}", f"{one['low']:.3f} to {one['high']:.3f}"]
    if "difference" not in one:
        return [lr, *interval, "", "", ""]
    d = one["difference"][one["of"]]
    if d["equivalent"]:
        shown = f"equal within {d['margin']:g}"
    elif d["not_worse"]:
        shown = f"not worse by {d['margin']:g}"
    else:
        shown = "nothing" if d["low"] <= 0 <= d["high"] else "differs"
    passes = one["forwards_to_baseline"]
    return [
        lr, *interval, f"{d['mean']:+.3f} ({d['low']:+.3f} to {d['high']:+.3f})", shown,
        f"{passes:.2f}" if passes else "not reached",
    ]  # fmt: skip


def figure(result: dict[str, Any], path: str | Path) -> None:
    """Draw cost above and convergence below."""
    tasks = list(result["convergence"])
    rows = 1 + bool(tasks) + ("shifted" in tasks)
    drawn = Figure(figsize=(11, 3.6 * rows), layout="constrained")
    parts = drawn.subfigures(rows, 1, squeeze=False)[:, 0]
    cost = parts[0].subplots(1, 2, width_ratios=[3, 1])
    _draw_steps(cost[0], result["details"]["steps"])
    _draw_passes(cost[1], result["details"]["passes"])
    if tasks:
        for axes, task in zip(parts[1].subplots(1, len(tasks), squeeze=False)[0], tasks, strict=True):
            _draw_curves(axes, task, result["convergence"][task])
    if "shifted" in tasks:
        left, right = parts[2].subplots(1, 2, width_ratios=[3, 2])
        _draw_sizes(left, result["convergence"]["shifted"])
        _draw_settings(right, result["convergence"]["shifted"])
    drawn.savefig(path, dpi=140)


def _draw_steps(axes: Axes, steps: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    width = 0.8 / len(ARMS)
    for place, model in enumerate(steps):
        for i, arm in enumerate(ARMS):
            if arm not in steps[model]:
                continue
            one = steps[model][arm]
            x = place + (i - (len(ARMS) - 1) / 2) * width
            spread = [[one["median"] - one["low"]], [one["high"] - one["median"]]]
            axes.bar(x, one["median"] - 1, width, bottom=1, color=_colour(arm))
            axes.errorbar(x, one["median"], yerr=spread, color="black", capsize=2, linewidth=0.8)
    axes.axhline(1.1, color=RED, linewidth=1.2, linestyle="--")
    axes.annotate("must", (1, 1.1), (3, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                  va="center", fontsize=8, color=RED)  # fmt: skip
    axes.set_yscale("log")
    highest = max((one["high"] for found in steps.values() for one in found.values()), default=2)
    ticks = [tick for tick in (1, 1.1, 1.5, 2, 3, 5, 8, 12, 20) if tick < 1.2 * highest]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks([], minor=True)
    axes.set_ylim(0.95, 1.2 * highest)
    axes.set_xticks(
        range(len(steps)), [MODEL_NAMES.get(model, model).replace(", ", "\n") for model in steps], fontsize=8
    )
    axes.set_title("time of a step, times two forward passes", fontsize=10)
    for arm in ARMS:
        axes.bar(0, 0, color=_colour(arm), label=arm)
    axes.legend(frameon=False, fontsize=8, ncols=3)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_passes(axes: Axes, passes: Mapping[str, Mapping[str, float]]) -> None:
    arms = [arm for arm in ARMS if arm in passes]
    axes.barh(range(len(arms)), [passes[arm]["median"] for arm in arms], color=[_colour(arm) for arm in arms])
    for i, arm in enumerate(arms):
        axes.annotate(f"{passes[arm]['median']:.3g}", (passes[arm]["median"], i), (3, 0), textcoords="offset points",
                      va="center", fontsize=8)  # fmt: skip
    axes.axvline(1.25, color=RED, linewidth=1.2, linestyle="--")
    axes.set_xscale("log")
    axes.set_xlim(0.5, 3 * max(passes[arm]["median"] for arm in arms))
    axes.set_yticks(range(len(arms)), arms)
    axes.invert_yaxis()
    axes.set_title("one pass, times scaling in place", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_curves(axes: Axes, task: str, arms: Mapping[str, Any]) -> None:
    """Watched loss over forward passes, of the arms that every task has."""
    for arm in ("mezo", "signs", "pool", "lfsr", "one_sided_signs", "one_sided_pool"):
        if (one := arms.get(arm)) and one.get("curve"):
            passes, losses = zip(*one["curve"], strict=True)
            style = "--" if arm.startswith("one_sided") else "-"
            axes.plot(passes, losses, style, color=_colour(arm), label=arm.replace("_", " "), linewidth=1.5)
    axes.set_title(TASK_NAMES.get(task, task), fontsize=10)
    axes.set_xlabel("forward passes")
    axes.set_ylabel("held-out loss")
    axes.legend(frameon=False, fontsize=7)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_sizes(axes: Axes, arms: Mapping[str, Any]) -> None:
    """Difference to MeZO over pool size: primes and padded sizes, and powers of two that repeat."""
    kinds: dict[str, list[tuple[int, Any]]] = {"all shifts": [], "few directions (power of two, not padded)": []}
    for name, one in arms.items():
        if (size := _size(name)) and "difference" in one:
            kinds[list(kinds)[name.endswith("repeating")]].append((size, one))
    for (label, found), colour in zip(kinds.items(), (BLUE, RED), strict=True):
        if ranked := sorted(found, key=lambda pair: pair[0]):
            _draw_differences(axes, [size for size, _ in ranked], [one for _, one in ranked], colour, label)
    axes.set_xscale("log", base=2)
    axes.set_yscale("symlog", linthresh=0.05, linscale=1.5)
    ticks = [-0.05, -0.02, 0, 0.02, 0.05, 0.1, 0.2, 0.5, 1]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks([], minor=True)
    axes.set_ylim(-0.05, 1.5)
    axes.set_xlabel("numbers in the pool")
    axes.set_ylabel("loss, difference to mezo")
    axes.set_title("pool size: sleep stages, changed signal, 30,720 weights", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_settings(axes: Axes, arms: Mapping[str, Any]) -> None:
    """Difference to MeZO of each other setting."""
    names = [name for name, one in arms.items() if "difference" in one and (name == "pool" or not _size(name))]
    _draw_differences(axes, range(len(names)), [arms[name] for name in names], BLUE, "", line="none")
    axes.set_xticks(range(len(names)), [name.replace("_", " ") for name in names], rotation=90, fontsize=7)
    axes.set_title("other settings (grey: the margin)", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_differences(
    axes: Axes, x: Sequence[float] | range, arms: Sequence[Any], colour: str, label: str, line: str = "-"
) -> None:
    """Paired differences with their 95 % intervals, on a band as wide as the margin."""
    found = [one["difference"][one["of"]] for one in arms]
    middle = [d["mean"] for d in found]
    spread = [[d["mean"] - d["low"] for d in found], [d["high"] - d["mean"] for d in found]]
    axes.errorbar(
        x, middle, yerr=spread, color=colour, label=label, capsize=2, marker="o", markersize=3, linestyle=line
    )
    axes.axhline(0, color="black", linewidth=1, linestyle="--")
    for d in found[:1]:
        axes.axhspan(-d["margin"], d["margin"], color="black", alpha=0.06, linewidth=0)


def _size(arm: str) -> int | None:
    """Numbers in the pool of an arm that is nothing but a pool of some size."""
    size, _, rest = arm.removeprefix("pool_").partition("_")
    if arm == "pool":
        return Pool().size
    return int(size) if size.isdigit() and rest in {"", "repeating"} else None


def _colour(arm: str) -> str:
    colours = {
        "mezo": GREY, "pool": BLUE, "pool_ledger": "#60a5fa", "lfsr": "#0f766e", "signs": "#d97706",
        "uniform": "#7c3aed", "one_sided_signs": "#d97706", "one_sided_pool": BLUE,
    }  # fmt: skip
    return colours.get(arm, "black")
