"""The demonstration: simulated ECGs, judged by the shipped specialist, as files that a person can open."""

import re
from collections.abc import Callable
from pathlib import Path

from auricle.errors import InputError
from auricle.finding import Finding
from auricle.report import write_report
from auricle.signals import Recording
from auricle.signals.readers.files import appearing
from auricle.signals.simulate import atrial_fibrillation, noise, sinus, with_ectopic_beats
from auricle.specialist import Specialist


def simulated(fs: float = 300.0, duration: float = 30.0) -> list[Recording]:
    """Four simulated single-lead ECGs, each marked as such: sinus rhythm, atrial fibrillation, ectopic beats, noise."""
    return [
        sinus(duration, fs, seed=1),
        atrial_fibrillation(duration, fs, seed=2),
        with_ectopic_beats(duration, fs, at=[t for t in (4.2, 9.5, 15.1, 22.4, 26.8) if t < duration - 2], seed=3),
        noise(duration, fs, seed=4),
    ]


def file_name(id_: str, number: int) -> str:
    """Give a recording's id as a file's name; one that is none on some system gets a number, so that they differ.

    >>> file_name("simulated-sinus-1", 0), file_name("../a/b.edf", 1)
    ('simulated-sinus-1', '1-a-b.edf')
    """
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", id_).strip("-.")[:100]
    return id_ if plain == id_ else f"{number}-{plain}"


def demonstrate(
    out: Path, recordings: list[Recording], *, alpha: float = 0.1, lead: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[str, Path], list[Finding]]:  # fmt: skip
    """Judge recordings with the shipped specialist `af` and write what was found.

    Returns
    -------
    tuple
        Paths by what they hold: "report" (HTML), "findings" (JSON Lines) and "recordings" (a folder; simulated ones
        only); and the findings.

    Raises
    ------
    InputError
        `out` is a file, or a recording can't be judged.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is no folder; name one for the report, or one that isn't there yet")
    specialist = Specialist.load("af")
    out.mkdir(parents=True, exist_ok=True)
    leads = None if lead is None else ((lead,),)
    paths: dict[str, Path] = {}
    entries = []
    for i, recording in enumerate(recordings):
        if recording.simulated:
            paths["recordings"] = out / "recordings"
            paths["recordings"].mkdir(exist_ok=True)
            recording.save(paths["recordings"] / f"{file_name(recording.id, i)}.npz")
        entries += [(recording, finding) for finding in specialist.findings(recording, alpha=alpha, leads=leads)]
        if progress:
            progress(i + 1, len(recordings))
    paths["findings"] = out / "findings.jsonl"
    with appearing(paths["findings"]) as draft:
        draft.write_text("".join(finding.to_json() + "\n" for _, finding in entries), encoding="utf-8")
    paths["report"] = out / "report.html"
    write_report(paths["report"], entries, names=specialist.names, card=specialist.card, explain=specialist.explained)
    return paths, [finding for _, finding in entries]
