"""What can be wrong with a patient's folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from auricle.errors import InputError


class PatientError(InputError):
    """A patient's folder that can't be made, read, written or used as asked."""


class PatientBusyError(PatientError):
    """A patient's folder that another process or object is writing."""


class PatientDamagedError(PatientError):
    """A patient's folder whose files are not those that were written."""


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what a disk refuses into one sentence; what was acknowledged before holds."""
    try:
        yield
    except OSError as error:
        raise PatientError(
            f"{folder} can't be written ({error.strerror or error}); the active version is as it was. Make room on "
            "the disk, or check who may write there, and run again"
        ) from error
