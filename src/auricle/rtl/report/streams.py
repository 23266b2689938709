"""Numbers of generators without reuse beside the law they claim; those of engines are in `auricle.rtl.quality`."""

from typing import Any

from auricle.rtl.baselines import baselines, statistics

LANES, CYCLES = 64, 4096


def baseline_statistics(*, cycles: int = CYCLES) -> list[dict[str, Any]]:
    """Give moments, distance and correlation of each generator without reuse, by its golden model.

    Examples
    --------
    >>> found = baseline_statistics(cycles=64)[0]
    >>> found["law"], round(found["variance"], 1), found["numbers"]
    ('uniform', 1.0, 4096)
    """
    out = []
    for baseline in baselines(lanes=LANES):
        if baseline.name == "box_muller_dsp":  # the same numbers as without DSP blocks
            continue
        law = baseline.law
        claimed = {"law": law.kind, "deviation": law.deviation, "claimed_kurtosis": law.kurtosis}
        found = statistics(baseline.numbers(cycles), law)
        out.append({"name": baseline.title, "family": baseline.family, **claimed, **found._asdict()})
    return out
