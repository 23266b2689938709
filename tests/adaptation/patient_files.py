"""What lies in a patient's folder."""

from pathlib import Path


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file but the lock, by its path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "lock"}
