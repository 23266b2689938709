"""Speed of the network beside a plain implementation of the paper, in one process and on one thread count."""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.table import Table
from torch import nn

from auricle.bench.plain import plain
from auricle.errors import InputError, MissingExtraError
from auricle.evaluation import Progress
from auricle.network import AdditiveHead, Architecture, ConMIL, OnnxNetwork, fuse, to_onnx

PAPER = Architecture(channels=1, classes=5, head="shared")
PAPER_SAMPLES = 3000
SHIPPED = Architecture(channels=1, classes=4, stem_stride=6, kernels=(9, 19, 39), modules=2)
SHIPPED_SAMPLES = 3000
BASELINE = "plain"
MUST = {"stride 1, torch": 1.9, "stride 1, ONNX Runtime": 2.8, "shipped, torch": 15.0, "shipped, ONNX Runtime": 15.0}
"""How many times the plain form's windows per second each way must reach."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Way:
    """One way to judge windows, and the plainest form of the same network to compare its scores with."""

    name: str
    samples: int
    judge: Callable[[torch.Tensor], object]
    scores: Callable[[torch.Tensor], Floats]
    reference: Callable[[torch.Tensor], Floats]


def run(
    *,
    seed: int = 0,
    repeats: int = 25,
    threads: int = 1,
    batches: tuple[int, ...] = (1, 8, 16),
    shipped: ConMIL | None = None,
    quick: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Time every way to judge windows, each run next to one of the plain form.

    A repeat runs each way once, in random order, so that a slow spell of the machine falls on all of them; the ratio
    is taken within a repeat, at the same batch.

    Parameters
    ----------
    seed
        Of the windows, the weights and the order.
    repeats
        Timed runs of each way at each batch.
    threads
        Threads of torch and of ONNX Runtime alike.
    batches
        Windows in one call.
    shipped
        The network of a specialist, timed on windows of 30 s at 100 Hz; None takes its shape with random weights.
    quick
        Five repeats, windows one at a time.
    progress
        Called with runs done, runs in all and what is being done.

    Returns
    -------
    dict
        `entries`, one for each way and batch: `windows_per_second` (median), `ratio` to the plain form (`median`, and
        the quartiles `low` and `high`), `must` and whether it is `met`, `difference` (largest, of the scores, to the
        plainest form of the same network); `plain` with the baseline's own speeds; `best`, each way at the batch that
        suits it best over the plain form at the batch that suits that best; `skipped`; the `machine`.

    Raises
    ------
    InputError
        Fewer than one repeat, thread or window.
    """
    if repeats < 1 or threads < 1 or not batches or min(batches) < 1:
        raise InputError(
            f"repeats={repeats}, threads={threads} and batches={batches} were given; each must be at least 1"
        )
    if quick:
        repeats, batches = min(repeats, 5), batches[:1]
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        ways, skipped = _ways(seed, threads, shipped)
        with torch.inference_mode():
            timed = _time(ways, batches, repeats, seed, progress)
    finally:
        torch.set_num_threads(before)
    result = _summary(timed, batches)
    return {
        "unit": "windows per second; ratio to the plain form of the paper's network at the same batch",
        "machine": _machine(),
        "seed": seed,
        "repeats": repeats,
        "threads": threads,
        **result,
        "skipped": skipped,
    }


def table(result: dict[str, Any]) -> Table:
    """Lay the speeds out for a person."""
    made = Table(title=f"Windows per second on {result['threads']} thread(s), median of {result['repeats']} runs")
    made.add_column("")
    for heading in ("batch", "windows/s", "times plain", "quartiles", "must", "largest difference"):
        made.add_column(heading, justify="right")
    for batch, speed in result["plain"].items():
        made.add_row("plain form of the paper", batch, f"{speed['windows_per_second']:.1f}", "1", "", "", "")
    for entry in result["entries"]:
        ratio, must = entry["ratio"], entry["must"]
        made.add_row(
            entry["name"],
            str(entry["batch"]),
            f"{entry['windows_per_second']:.1f}",
            f"{ratio['median']:.2f}",
            f"{ratio['low']:.2f} to {ratio['high']:.2f}",
            f"{must:g} {'met' if entry['met'] else 'missed'}",
            f"{entry['difference']:.0e}",
        )
    for missing in result["skipped"]:
        made.add_row(missing["name"], "", "", "not run", "", "", missing["reason"])
    return made


def figure(result: dict[str, Any], path: str | Path) -> None:
    """Draw the ratios as bars with their quartiles, the plain form as a line at 1 and what must be reached as marks."""
    entries = result["entries"]
    drawn = Figure(figsize=(8, 1.4 + 0.45 * len(entries)), layout="constrained")
    axes = drawn.add_subplot()
    for place, entry in enumerate(entries):
        ratio = entry["ratio"]
        median = ratio["median"]
        spread = [[median - ratio["low"]], [ratio["high"] - median]]
        axes.barh(place, median - 1, left=1, height=0.6, color="#2563a8" if entry["met"] else "#9aa5b1")
        axes.errorbar(median, place, xerr=spread, color="black", capsize=3, linewidth=1)
        axes.plot([entry["must"]] * 2, [place - 0.4, place + 0.4], color="#c2410c", linewidth=2)
    axes.axvline(1, color="black", linewidth=1, linestyle="--")
    axes.plot([], [], color="#c2410c", linewidth=2, label="must")
    axes.plot([], [], color="black", linewidth=1, linestyle="--", label="plain form of the paper")
    axes.set_yticks(range(len(entries)), [f"{entry['name']}, batch {entry['batch']}" for entry in entries])
    axes.invert_yaxis()
    axes.set_xscale("log")
    highest = max([20.0, *(1.2 * entry["ratio"]["high"] for entry in entries)])
    lowest = min([0.8, *(0.8 * entry["ratio"]["low"] for entry in entries)])
    axes.set_xlim(lowest, highest)
    ticks = [tick for tick in (0.5, 1, 2, 3, 5, 10, 15, 20, 30, 50) if lowest <= tick <= highest]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel(f"windows per second, times the plain form at the same batch ({result['threads']} thread(s))")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    drawn.savefig(path, dpi=150)


def _random(architecture: Architecture, seed: int) -> ConMIL:
    """Build a network whose scores differ between windows and depend on each of its weights and statistics.

    With the weights of a fresh start nearly the same score comes out for every window, and agreement means nothing.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ConMIL(architecture).eval()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.normal_(0, 0.5)
                module.running_var.uniform_(0.5, 2)
            elif isinstance(module, nn.Conv1d | nn.Linear):
                nn.init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)
        head = network.head
        nn.init.normal_(head.attention.tokens, std=4.0)
        last = head.opinion[-1] if isinstance(head, AdditiveHead) else head.score[-1]
        assert isinstance(last, nn.Linear)
        nn.init.normal_(last.weight, std=0.1)
    return network


def _ways(seed: int, threads: int, shipped: ConMIL | None) -> tuple[list[_Way], list[dict[str, str]]]:
    """Give every way that this machine has, the plain form first, and what it lacks."""
    paper = _random(PAPER, seed)
    device = _random(SHIPPED, seed) if shipped is None else shipped.eval()
    baseline = plain(paper)

    def of_plain(x: torch.Tensor) -> Floats:
        return np.asarray(baseline(x).numpy())

    def of_device(x: torch.Tensor) -> Floats:
        return np.asarray(device(x).numpy())

    ways = [
        _Way(name=BASELINE, samples=PAPER_SAMPLES, judge=baseline, scores=of_plain, reference=of_plain),
    ]
    skipped = []
    networks = (
        ("stride 1", paper, PAPER_SAMPLES, of_plain),
        ("shipped", device, SHIPPED_SAMPLES, of_device),
    )
    for label, network, samples, reference in networks:
        fused = fuse(network)
        ways.append(
            _Way(
                name=f"{label}, torch",
                samples=samples,
                judge=fused,
                scores=lambda x, fused=fused: np.asarray(fused(x).scores.numpy()),  # type: ignore[misc]
                reference=reference,
            )
        )
        name = f"{label}, ONNX Runtime"
        try:
            exported = OnnxNetwork(to_onnx(fused), threads=threads)
        except MissingExtraError as error:
            skipped.append({"name": name, "reason": str(error)})
            continue
        ways.append(
            _Way(
                name=name,
                samples=samples,
                judge=lambda x, exported=exported: exported(x.numpy()),  # type: ignore[misc]
                scores=lambda x, exported=exported: exported(x.numpy()).scores,  # type: ignore[misc]
                reference=reference,
            )
        )
    return ways, skipped


def _time(
    ways: list[_Way], batches: tuple[int, ...], repeats: int, seed: int, progress: Progress | None
) -> dict[tuple[str, int], dict[str, Any]]:
    """Seconds of every run, and the largest difference of the scores, by name and batch."""
    rng = np.random.default_rng(seed)
    timed: dict[tuple[str, int], dict[str, Any]] = {}
    done, total = 0, len(batches) * (repeats + 1) * len(ways)
    for batch in batches:
        inputs = {
            samples: torch.from_numpy(rng.standard_normal((batch, 1, samples), dtype=np.float32))
            for samples in {way.samples for way in ways}
        }
        for way in ways:  # also the warm-up
            x = inputs[way.samples]
            difference = float(np.abs(way.scores(x) - way.reference(x)).max())
            timed[way.name, batch] = {"seconds": [], "difference": difference}
            done += 1
        for _ in range(repeats):
            for i in rng.permutation(len(ways)):
                way = ways[i]
                x = inputs[way.samples]
                # ONNX Runtime's threads spin for a moment after their work and would slow down what comes next.
                time.sleep(0.005)
                start = time.perf_counter()
                way.judge(x)
                timed[way.name, batch]["seconds"].append(time.perf_counter() - start)
                done += 1
            if progress:
                progress(done, total, f"timing at batch {batch}")
    return timed


def _summary(timed: dict[tuple[str, int], dict[str, Any]], batches: tuple[int, ...]) -> dict[str, Any]:
    speeds = {
        (name, batch): batch / np.array(entry["seconds"])
        for batch in batches
        for (name, own), entry in timed.items()
        if own == batch
    }
    names = [name for name in dict.fromkeys(name for name, _ in timed) if name != BASELINE]
    entries = []
    for name in names:
        for batch in batches:
            low, median, high = np.quantile(speeds[name, batch] / speeds[BASELINE, batch], [0.25, 0.5, 0.75]).tolist()
            entries.append(
                {
                    "name": name,
                    "batch": batch,
                    "windows_per_second": float(np.median(speeds[name, batch])),
                    "ratio": {"median": median, "low": low, "high": high},
                    "must": MUST[name],
                    "met": median >= MUST[name],
                    "difference": timed[name, batch]["difference"],
                }
            )
    medians = {key: float(np.median(speed)) for key, speed in speeds.items()}
    suited = {name: max(batches, key=lambda batch: medians[name, batch]) for name in [BASELINE, *names]}
    fastest = medians[BASELINE, suited[BASELINE]]
    return {
        "plain": {
            str(batch): {
                "windows_per_second": medians[BASELINE, batch],
                "quartiles": np.quantile(speeds[BASELINE, batch], [0.25, 0.75]).tolist(),
            }
            for batch in batches
        },
        "entries": entries,
        "best": {
            name: {
                "batch": suited[name],
                "plain_batch": suited[BASELINE],
                "ratio": medians[name, suited[name]] / fastest,
            }
            for name in names
        },
    }


def _machine() -> dict[str, Any]:
    packages = {"torch": str(torch.__version__)}
    try:
        packages["onnxruntime"] = version("onnxruntime")
    except ImportError:
        packages["onnxruntime"] = "not installed"
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        **packages,
    }


def _processor() -> str:
    """Name of the processor, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
