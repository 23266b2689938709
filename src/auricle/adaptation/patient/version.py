"""A version: base specialist, ledger and calibration, immutable, known by the SHA-256 of what it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auricle.adaptation.patient import canonical
from auricle.adaptation.patient.canonical import digest
from auricle.adaptation.patient.failures import PatientDamagedError
from auricle.adaptation.patient.records import VersionRecord
from auricle.adaptation.patient.storage import is_folder, read_file
from auricle.zeroth.ledger import Ledger
from auricle.zeroth.sealed_file import SealedFile

RECORD, LEDGER, CALIBRATION, IMPACT = "version.json", "ledger.zo", "calibration.json", "impact.json"


def folder_name(number: int, sha256: str) -> str:
    """Name of a version's folder.

    >>> folder_name(3, "1a2b3c4d5e6f" + 52 * "0")
    '0003-1a2b3c4d5e6f'
    """
    return f"{number:04d}-{sha256[:12]}"


def ledger_of(data: bytes, path: Path) -> Ledger:
    """Read a ledger from bytes that are in memory already.

    Raises
    ------
    LedgerError
        They are none.
    PatientDamagedError
        It is not closed, so that its end is not protected.
    """
    file = SealedFile(path, None, data)
    ledger = Ledger(file, data)
    if ledger.unsealed or file.end != len(data):
        raise PatientDamagedError(
            f"{path} has an end that no seal protects ({ledger.unsealed} steps); close the ledger before its bytes "
            "are taken"
        )
    return ledger


def begins_with(after: Ledger | None, before: Ledger | None) -> bool:
    """Tell whether a ledger goes on from another; None has no steps."""
    if before is None or after is None:
        return before is None
    return after.steps >= before.steps and after.digest(before.steps) == before.digest()


@dataclass(frozen=True)
class Version:
    """One state of a patient's specialist.

    Parameters
    ----------
    record
        What it is made of.
    folder
        Where its files lie.
    """

    record: VersionRecord
    folder: Path

    @classmethod
    def read(cls, folder: Path, *, sha256: str) -> "Version":
        """Read a version of a known id.

        Raises
        ------
        PatientDamagedError
            It isn't there, or `version.json` has changed.
        """
        path = folder / RECORD
        data = read_file(path) if is_folder(folder) else None
        if data is None:
            raise PatientDamagedError(f"{path} is missing, and the journal tells of it; take the folder from a backup")
        if digest(data) != sha256:
            raise PatientDamagedError(_changed(path, sha256, data))
        return cls(VersionRecord.from_bytes(data, path), folder)

    @property
    def id(self) -> str:
        """SHA-256 of `version.json`, in hex."""
        return digest(self.record.to_bytes())

    @property
    def name(self) -> str:
        """Number and beginning of the id, as its folder is called."""
        return self.folder.name

    @property
    def number(self) -> int:
        """Number of the attempt that made it; 0 is the base itself."""
        return self.record.number

    @property
    def parent(self) -> str | None:
        """Id of the version with whose steps it begins."""
        return self.record.parent

    @property
    def steps(self) -> int:
        """Steps from the base on."""
        return self.record.steps

    @property
    def created(self) -> str:
        """Time in UTC, by a clock that may be wrong."""
        return self.record.created

    @property
    def weights_sha256(self) -> str:
        """Hash of its weights."""
        return self.record.weights_sha256

    def ledger_bytes(self) -> bytes:
        """Bytes of its ledger; none for a version that moved no weight.

        Raises
        ------
        PatientDamagedError
            The file is missing or was changed.
        """
        return self._file(LEDGER, self.record.ledger_sha256) or b""

    def ledger(self) -> Ledger | None:
        """Its ledger, every seal compared; None for a version that moved no weight."""
        data = self.ledger_bytes()
        return ledger_of(data, self.folder / LEDGER) if data else None

    def calibration(self) -> dict[str, Any]:
        """Its calibration, as `LabelConditional.to_dict` gives it."""
        return self._object(CALIBRATION, self.record.calibration_sha256) or {}

    def impact(self) -> dict[str, Any] | None:
        """Give what the attempt that made it came to; None for version 0."""
        return self._object(IMPACT, self.record.impact_sha256)

    def check_files(self) -> None:
        """Compare every file with its hash.

        Raises
        ------
        PatientDamagedError
            One is missing or was changed.
        """
        self.ledger_bytes()
        self.calibration()
        self.impact()

    def _object(self, name: str, sha256: str | None) -> dict[str, Any] | None:
        data = self._file(name, sha256)
        return None if data is None else canonical.from_bytes(data, self.folder / name)

    def _file(self, name: str, sha256: str | None) -> bytes | None:
        return None if sha256 is None else checked_file(self.folder / name, sha256)

    def __repr__(self) -> str:
        return f"Version({self.name}, steps={self.steps})"


def checked_file(path: Path, sha256: str) -> bytes:
    """Read a file of a known hash.

    Raises
    ------
    PatientDamagedError
        It is missing or was changed.
    """
    data = read_file(path)
    if data is None:
        raise PatientDamagedError(f"{path} is missing; take it from a backup")
    if digest(data) != sha256:
        raise PatientDamagedError(_changed(path, sha256, data))
    return data


def _changed(path: Path, sha256: str, data: bytes) -> str:
    return (
        f"{path} was changed after it was written: its SHA-256 begins with {digest(data)[:12]}, and "
        f"{sha256[:12]} was recorded; take it from a backup, or roll back to a version that is whole"
    )


def contents_of(
    record: Mapping[str, Any], *, ledger: bytes, calibration: Mapping[str, Any], impact: Mapping[str, Any] | None
) -> tuple[VersionRecord, dict[str, bytes]]:
    """Give a version's record and its files by name.

    Parameters
    ----------
    record
        Fields of `VersionRecord` other than the hashes of the files.
    ledger
        Bytes of a closed ledger, none without steps.
    calibration
        As `LabelConditional.to_dict` gives it.
    impact
        What the attempt came to.

    Raises
    ------
    PatientError
        Calibration or impact can't be written as JSON.
    """
    files = {CALIBRATION: canonical.to_bytes(calibration, what="the calibration")}
    if ledger:
        files[LEDGER] = ledger
    if impact is not None:
        files[IMPACT] = canonical.to_bytes(impact, what="the impact record")
    made = VersionRecord(
        **record,
        ledger_sha256=digest(ledger) if ledger else None,
        calibration_sha256=digest(files[CALIBRATION]),
        impact_sha256=digest(files[IMPACT]) if IMPACT in files else None,
    )
    return made, files | {RECORD: made.to_bytes()}
