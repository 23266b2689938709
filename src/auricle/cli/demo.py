"""`auricle demo`: the shipped specialist on simulated ECGs or on recordings of one's own."""

from pathlib import Path

from auricle.cli.finding_text import finding_text
from auricle.cli.options import Alpha, Lead
from auricle.cli.terminal import counting, plain, progress


def demo(path: str | None = None, /, *, out: Path = Path("demo"), alpha: Alpha = 0.1, lead: Lead = None) -> int:
    """Judge four simulated ECGs, or your own recordings, with the shipped specialist af and write a report.

    Parameters
    ----------
    path
        A recording or a folder to judge instead of the simulated ones.
    out
        Folder for the report.
    """
    from auricle.demo import demonstrate, simulated
    from auricle.signals import find_recordings

    recordings = [source.open() for source in find_recordings(path)] if path else simulated()
    with progress() as update:
        paths, findings = demonstrate(out, recordings, alpha=alpha, lead=lead, progress=counting(update, "judging"))
    for finding in findings:
        print(finding_text(finding))
    for what, where in paths.items():
        print(plain(f"{what}: {where}"))
    return 0
