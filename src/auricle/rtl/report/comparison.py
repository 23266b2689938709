"""Engines beside generators without reuse: extrapolation, savings, and what was promised."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

Row = dict[str, Any]
FIGURES = ("lut", "ff", "bram", "dsp")
ENERGIES = ("energy", "energy_zero_delay", "energy_with_clock", "energy_memory")
LEAST_FF = 35_000
"""Per-lane Gaussian generators with more flip-flops than that are what the promises are about."""
PROMISES = {"lut": 0.95, "ff": 0.75, "energy": 0.90}
WORDS = {"lut": "LUTs", "ff": "flip-flops", "energy": "energy with glitches"}
PAPER = {
    "lut": 0.486,
    "ff": 0.127,
    "power": 0.86,
    "remark": (
        "What the PeZO paper (arXiv 2504.20314) claims for reuse. What it divides by could not be read, so these "
        "figures can't be compared with ours."
    ),
}


def extrapolated(rows: Sequence[Row], lanes: Iterable[int]) -> list[Row]:
    """Rows at other numbers of lanes, on the line through the two that were synthesised.

    Parameters
    ----------
    rows
        Measured ones; each names in `line` the two sizes that it is extrapolated from, or none.
    lanes
        Where to.

    Examples
    --------
    >>> row = {"name": "a", "target": "xc7", "lane_registers": False, "line": [16, 64], "lut": 10, "ff": 0, "bram": 0}
    >>> row |= {"dsp": 0, "energy": 3.0, "energy_zero_delay": None, "energy_with_clock": None, "energy_memory": None}
    >>> both = [row | {"lanes": 16}, row | {"lanes": 64, "lut": 34, "energy": 2.25}]
    >>> [(made["lanes"], made["lut"], made["energy"]) for made in extrapolated(both, [64, 256])]
    [(256, 130, 2.0625)]
    """
    pairs: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        if row["line"]:
            pairs.setdefault((row["name"], row["target"], row["lane_registers"]), []).append(row)
    out = []
    for low, high in (sorted(pair, key=lambda row: row["lanes"]) for pair in pairs.values()):
        for size in lanes:
            if size in low["line"]:
                continue
            along = (size - low["lanes"]) / (high["lanes"] - low["lanes"])
            row = high | {"lanes": size, "extrapolated": True}
            for key in FIGURES:
                value = low[key] + along * (high[key] - low[key])
                row[key] = round(value, 1) if key == "bram" else round(value)
            for key in ENERGIES:
                # Energy is that of a number: the line is drawn through what all lanes take.
                if high[key] is not None:
                    total = low[key] * low["lanes"], high[key] * high["lanes"]
                    row[key] = (total[0] + along * (total[1] - total[0])) / size
            out.append(row)
    return out


def comparison(rows: Sequence[Row]) -> list[Row]:
    """Give what each engine saves against each generator without reuse: same target, lanes, and lane registers on both.

    Returns
    -------
    list
        Rows with `engine`, `against`, `target`, `lanes`, `lane_registers`, `extrapolated`, and the share of each figure
        that is saved: None where it isn't modelled, below 0 where the engine takes more.
    """
    out = []
    for engine in rows:
        if engine["family"] not in {"lfsr", "pool"}:
            continue
        for other in rows:
            same = all(engine[key] == other[key] for key in ("target", "lanes", "lane_registers"))
            if not same or other["family"] not in {"uniform", "gaussian"}:
                continue
            saved = {key: _saved(engine[key], other[key]) for key in ("lut", "ff", *ENERGIES[:3])}
            out.append({
                "engine": engine["name"], "against": other["name"], "family": other["family"],
                "target": engine["target"], "lanes": engine["lanes"], "lane_registers": engine["lane_registers"],
                "extrapolated": other["extrapolated"], "ff_of_other": other["ff"], **saved,
            })  # fmt: skip
    return out


def _saved(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or not theirs else 1 - ours / theirs


def musts(compared: Sequence[Mapping[str, Any]], *, lanes: int) -> list[Row]:
    """Judge the promises at a number of lanes, for each engine and target, with and without lane registers.

    Returns
    -------
    list
        Rows with `engine`, `target`, `lane_registers`, `figure`, `must`, `value` (the least that is saved), `against`
        (what that is saved from), `of` (generators compared) and `met`. A figure that no generator has is left out.
    """
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in compared:
        if row["family"] == "gaussian" and row["lanes"] == lanes and row["ff_of_other"] > LEAST_FF:
            groups.setdefault((row["engine"], row["target"], row["lane_registers"]), []).append(row)
    return [found for key, group in groups.items() for found in _judged(key, group)]


def _judged(key: tuple[Any, ...], group: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    for figure, must in PROMISES.items():
        having = [row for row in group if row[figure] is not None]
        if having:
            worst = min(having, key=lambda row: row[figure])
            yield {
                "engine": key[0], "target": key[1], "lane_registers": key[2], "figure": figure, "must": must,
                "value": worst[figure], "against": worst["against"], "of": len(having), "met": worst[figure] >= must,
            }  # fmt: skip


def per_lane(rows: Sequence[Row]) -> list[Row]:
    """Slopes of what grows with the lanes: what one more lane takes."""
    pairs: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["family"] == "update" and not row["extrapolated"]:
            pairs.setdefault((row["name"], row["target"]), []).append(row)
    out = []
    for (name, target), pair in pairs.items():
        low, high = sorted(pair, key=lambda row: row["lanes"])
        slope = {key: float(np.round((high[key] - low[key]) / (high["lanes"] - low["lanes"]), 2)) for key in FIGURES}
        out.append({"name": name, "target": target, **slope})
    return out
