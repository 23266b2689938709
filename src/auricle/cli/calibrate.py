"""`auricle calibrate`: a specialist's promise, made anew on recordings of one's own."""

from pathlib import Path
from typing import Literal

from auricle.cli.labelled import labelled_windows
from auricle.cli.options import ArchiveKind, LabelledData, SavedSpecialist
from auricle.cli.terminal import plain, progress


def calibrate(
    specialist: SavedSpecialist,
    data: LabelledData,
    /,
    *,
    out: Path,
    part: Literal["calibration", "all"] = "all",
    kind: ArchiveKind = None,
) -> int:
    """Calibrate a specialist anew on labelled recordings of your own, and save it under a new name.

    Parameters
    ----------
    out
        Folder for the calibrated specialist.
    part
        Take all recordings, or those alone that were the specialist's calibration part when it was made.
    """
    from auricle.folder import check_free
    from auricle.specialist import Specialist

    check_free(out.absolute())
    judge = Specialist.load(specialist)
    with progress() as update:
        windows = labelled_windows(judge, data, part, update=update, kind=kind, judged=False)
    judge.calibrate(windows.samples, windows.labels, windows.subjects, lengths=windows.lengths)
    counts = {str(k): v for k, v in judge.calibration_.counts.items()}
    provenance = {**judge.manifest().provenance, "calibrated_on": data.name, "calibration_counts": counts}
    each = ", ".join(f"{n} `{label}`" for label, n in counts.items())
    note = f"\n\n## Calibrated anew\n\nOn {data.name}: {each}. Results above are from before.\n"
    judge.save(out, provenance=provenance, card=judge.card.rstrip() + note)
    told = ", ".join(f"{n} {label}" for label, n in counts.items())
    print(plain(f"calibrated on {len(windows)} windows: {told}"))
    print(plain(f"specialist: {out}"))
    return 0
