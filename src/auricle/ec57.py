"""Beat-by-beat comparison of a specialist with annotators, as ANSI/AAMI EC57 counts it.

Source: ANSI/AAMI EC57:2012, "Testing and reporting performance results of cardiac rhythm and ST segment measurement
algorithms", and the program `bxb` of the WFDB software, which counts as the standard says.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from auricle.errors import InputError
from auricle.signals import Recording, cut
from auricle.signals.beat_records import annotated_records, subject_of
from auricle.signals.beats import Beat, annotated_beats, detect_beats, flutter, is_paced, matched
from auricle.specialist import Specialist

CLASSES = ("N", "S", "V", "F", "Q")
NOTHING = "O"
"""A beat that only one of the two has."""
NAMES = (*CLASSES, NOTHING)
LEARNING = 300.0
"""Seconds at the start of each record that are not scored."""

Table = NDArray[np.int64]
"""(6, 6) beats by the annotators' class (row) and the specialist's (column), both in the order of `NAMES`."""
Positions = Literal["annotated", "detected"]
Progress = Callable[[int, int, str], None]


def count(truth: Sequence[str], found: Sequence[str]) -> Table:
    """Count pairs of an annotator's class and the specialist's.

    Examples
    --------
    >>> count(["N", "V", "F", "O"], ["N", "V", "V", "N"]).sum(1).tolist()
    [1, 0, 1, 1, 0, 1]
    """
    table = np.zeros((len(NAMES), len(NAMES)), np.int64)
    np.add.at(table, ([NAMES.index(one) for one in truth], [NAMES.index(one) for one in found]), 1)
    return table


def statistics(table: Table) -> dict[str, dict[str, float | int | None]]:
    """Sensitivity, positive predictivity and false positive rate of `veb` and `sveb`; the first two of `qrs`.

    A beat of class F or Q that is called V is no false positive of VEB, and one of class Q called S none of SVEB. A
    share of nothing is null. `f1` is 2 TP / (2 TP + FP + FN).
    """
    n, s, v, f, q, o = range(len(NAMES))

    def of(own: int, wrong: Iterable[int]) -> dict[str, float | int | None]:
        tp = int(table[own, own])
        fn = int(table[own].sum()) - tp
        fp = int(sum(table[row, own] for row in wrong))
        others = [row for row in (n, s, v, f, q) if row != own]
        tn = int(sum(table[row, column] for row in others for column in (n, s, v, f, q) if column != own))
        return {
            "tp": tp, "fn": fn, "fp": fp, "tn": tn, "sensitivity": _share(tp, tp + fn),
            "positive_predictivity": _share(tp, tp + fp), "false_positive_rate": _share(fp, fp + tn),
            "f1": _share(2 * tp, 2 * tp + fp + fn),
        }  # fmt: skip

    beats = int(table[:o].sum())
    matched = int(table[:o, :o].sum())
    return {
        "veb": of(v, (n, s, o)),
        "sveb": of(s, (n, v, f, o)),
        "qrs": {
            "tp": matched, "fn": beats - matched, "fp": int(table[o, :o].sum()),
            "sensitivity": _share(matched, beats), "positive_predictivity": _share(matched, int(table[:, :o].sum())),
        },
    }  # fmt: skip


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def judged(specialist: Specialist, recording: Recording, times: NDArray[np.float64]) -> list[str]:
    """Give the specialist's label, the one with the highest score, of the beat at each time."""
    if not len(times):
        return []
    rows = np.stack([window.samples for window in cut(recording, specialist.windowing, beats=times)])
    return [str(label) for label in specialist.predict(rows)]


def compare(
    specialist: Specialist, recording: Recording, *, positions: Positions = "annotated", learning: float = LEARNING
) -> Table:
    """Count one record, beat by beat.

    Parameters
    ----------
    specialist
        One of beats.
    recording
        With annotated beats.
    positions
        Where the specialist looks: at the annotated beats, or where a detector finds some.
    learning
        Seconds at the start that are not scored.
    """
    beats = annotated_beats(recording)
    spans = ((0.0, learning), *flutter(recording))

    def scored(time: float) -> bool:
        return not any(start <= time < stop for start, stop in spans)

    if positions == "annotated":
        times = np.array([beat.time for beat in beats])
        labels = judged(specialist, recording, times)
        kept = [(beat.label, label) for beat, label in zip(beats, labels, strict=True) if scored(beat.time)]
        return count([a for a, _ in kept], [b for _, b in kept])
    chosen = recording.choose(specialist.windowing.leads, specialist.windowing.unit)
    times = detect_beats(chosen)
    labels = judged(specialist, recording, times)
    rows, columns = matched([beat.time for beat in beats], times)
    partner = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    own = set(columns.tolist())
    kept = [
        (beat.label, labels[partner[i]] if i in partner else NOTHING)
        for i, beat in enumerate(beats)
        if scored(beat.time)
    ]
    kept += [(NOTHING, labels[j]) for j, time in enumerate(times.tolist()) if j not in own and scored(time)]
    return count([a for a, _ in kept], [b for _, b in kept])


def report(tables: dict[str, Table]) -> dict[str, Any]:
    """Sum records up: `records`, each by itself; `gross`, over all beats; `average`, the mean over the records.

    An average counts the records in which a share is defined.
    """
    records = {name: statistics(table) for name, table in tables.items()}
    average: dict[str, dict[str, float | None]] = {}
    for group in ("veb", "sveb", "qrs"):
        average[group] = {}
        for key in ("sensitivity", "positive_predictivity", "false_positive_rate", "f1"):
            values = [one[group][key] for one in records.values() if one[group].get(key) is not None]
            if key in next(iter(records.values()))[group]:
                average[group][key] = float(np.mean(np.array(values, np.float64))) if values else None
    total = np.sum(list(tables.values()), axis=0)
    return {
        "classes": list(NAMES), "table": total.tolist(), "gross": statistics(total), "average": average,
        "records": {name: {**records[name], "table": table.tolist()} for name, table in tables.items()},
    }  # fmt: skip


def ec57(
    specialist: Specialist, folder: Path, *, seen: bool = False, learning: float = LEARNING,
    progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Compare a specialist of beats with the annotators of all records in a folder.

    Parameters
    ----------
    specialist
        One of beats.
    folder
        With WFDB records and their annotations, at any depth.
    seen
        Whether to take records of persons that helped to make the specialist.
    learning
        Seconds at the start of each record that are not scored.
    progress
        Called with records done, records in all, and a word.

    Returns
    -------
    dict
        JSON-able: `annotated` and `detected`, each as `report` gives it: with beats where the annotators put them, and
        where the detector found them. `left_out`, records with the reason.

    Raises
    ------
    InputError
        Another kind of specialist; no record to score.
    """
    if specialist.windowing.anchor != "beat":
        raise InputError(
            "EC57 compares beats, and this specialist judges windows in time; give one of beats, such as 'beats'"
        )
    if not 0 <= learning < float("inf"):
        raise InputError(f"a learning period of {learning:g} s was given; it must be at least 0")
    headers = annotated_records(Path(folder))
    tables: dict[Positions, dict[str, Table]] = {"annotated": {}, "detected": {}}
    left_out: dict[str, str] = {}
    for done, header in enumerate(headers, 1):
        recording = Recording.read(header)
        part = specialist.part_of(subject_of(recording))
        try:
            if _skipped(annotated_beats(recording), part, left_out, recording.id, seen=seen):
                continue
            for positions, found in tables.items():
                found[recording.id] = compare(specialist, recording, positions=positions, learning=learning)
        except InputError as error:
            left_out[recording.id] = str(error)
        finally:
            if progress:
                progress(done, len(headers), "comparing beats")
    if not tables["annotated"]:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:3])
        raise InputError(
            f"{folder} holds no record to score ({reasons or 'no WFDB record with annotations, .hea beside .atr'})"
        )
    return {
        **{positions: report(found) for positions, found in tables.items()},
        "left_out": left_out, "learning": learning,
    }  # fmt: skip


def _skipped(beats: Sequence[Beat], part: str | None, left_out: dict[str, str], record: str, *, seen: bool) -> bool:
    """Note why a record is left out, if it is."""
    if is_paced(beats):
        left_out[record] = "paced beats, which EC57 leaves out"
    elif part not in {None, "test"} and not seen:
        left_out[record] = f"its person helped to make the specialist ({part} part); --part all takes it"
    return record in left_out
