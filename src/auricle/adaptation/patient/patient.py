"""A patient: the versions of a specialist that were adapted to one person, and which of them judges now."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from auricle.adaptation.patient.attempt import Attempt
from auricle.adaptation.patient.canonical import digest
from auricle.adaptation.patient.failures import PatientBusyError, PatientError, writing
from auricle.adaptation.patient.journal import MOST_TEXT, Event, Kind, clock_went_back
from auricle.adaptation.patient.lock import locked
from auricle.adaptation.patient.records import Base, PatientRecord
from auricle.adaptation.patient.state import PATIENT
from auricle.adaptation.patient.storage import Disk, Storage, is_folder, names_in
from auricle.adaptation.patient.store import Store
from auricle.adaptation.patient.version import Version, contents_of
from auricle.errors import InputError

if TYPE_CHECKING:
    from auricle.adaptation.patient.verification import Verification
    from auricle.specialist import Specialist

__all__ = ["Event", "Patient", "Version"]

Clock = Callable[[], datetime]


FEWEST_DIGITS = 6
"""Of an id, that stand for the whole where no number is before them."""


def utc_now() -> datetime:
    """Tell the time as this machine has it."""
    return datetime.now(UTC)


class Patient:
    """The folder of one patient. Get one from `create` or `open`.

    A version is a base specialist, a ledger and a calibration; it never changes, and nothing here deletes one. Exactly
    one version is active. Whatever was acknowledged, that is, whatever returned without an error, outlasts a power cut;
    and after a power cut the active version is the one from before or the one from after, whole.

    Attributes
    ----------
    path
        The folder.
    notices
        What was found and put right on opening, and whether the clock went back; a sentence each.

    Examples
    --------
    >>> import tempfile
    >>> from auricle import Specialist
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     patient = Patient.create(f"{folder}/anna", Specialist.load("af"), subject="anna")
    ...     patient.active.number, [event.kind for event in Patient.open(patient.path).events]
    (0, ['created'])
    """

    def __init__(self, store: Store, clock: Clock, *, base: "Specialist | None" = None) -> None:
        self.path = store.path
        self.notices: tuple[str, ...] = ()
        self._store = store
        self._clock = clock
        self._base = base
        self._read()

    @classmethod
    def create(
        cls, path: str | Path, specialist: "Specialist", *, subject: str | None, place: str | Path | None = None,
        storage: Storage | None = None, clock: Clock = utc_now,
    ) -> Self:  # fmt: skip
        """Begin a patient's folder with version 0: the base itself, with its own calibration.

        Parameters
        ----------
        path
            A folder that isn't there yet, or an empty one.
        specialist
            The base: calibrated, and saved or loaded, so that it can be found again.
        subject
            Who it is; None if that shall not be written down.
        place
            Where commands will find the base: the name of a shipped specialist, or a folder. None is its name.
        storage, clock
            Other ones than the machine's, for tests.

        Raises
        ------
        PatientError
            The folder is there already or can't be written, or the specialist was never saved.
        NotCalibratedError
            The specialist is not calibrated.
        """
        from auricle.adaptation.patient.adapted import base_of

        path = Path(path).absolute()
        _check_free(path)
        base = base_of(specialist, place)
        now = _text(clock)
        record = PatientRecord(base=base, subject=subject, created=now)
        made, contents = contents_of(
            {"number": 0, "parent": None, "created": now, "base": base.sha256, "steps": 0,
             "weights_sha256": base.weights_sha256},
            ledger=b"", calibration=specialist.calibration_.to_dict(), impact=None,
        )  # fmt: skip
        sha256 = digest(made.to_bytes())
        event = Event(
            event=0, kind="created", time=now, attempt=0, version=sha256, active=sha256, impact_sha256=None,
            previous=digest(record.to_bytes()),
        )  # fmt: skip
        store = Store(path, storage or Disk())
        store.create(record, contents, event, 0)
        return cls(store, clock, base=specialist)

    @classmethod
    def open(cls, path: str | Path, *, storage: Storage | None = None, clock: Clock = utc_now) -> Self:
        """Open a patient's folder, and put right what a power cut or a kill left; `notices` says what.

        Where it can't be written, or another process is writing it, it is opened as it was last acknowledged.

        Raises
        ------
        PatientError
            It is no patient's folder.
        PatientDamagedError
            Its files were changed or lost after they were acknowledged; the text names the first.
        """
        return cls(Store(Path(path).absolute(), storage or Disk()), clock)

    def _read(self) -> None:
        if self._store.load():
            self._note()
            return
        said: tuple[str, ...] = ()
        try:
            with locked(self.path):
                said = self._store.recover()
        except PatientBusyError:
            pass  # that one is at work, or puts things right itself
        except PatientError as error:
            self._store.load()
            # It can be read all the same, as of its last acknowledged event.
            said = (f"something was stopped while it wrote here, and that can't be put right now: {error}",)
        self._note(*said)

    def _note(self, *said: str) -> None:
        state = self._store.state
        late = [f"event {event.event} ({event.kind})" for event in clock_went_back(state.events)]
        clock = [f"the clock had gone back at {', '.join(late)}; numbers give the order, not times"] if late else []
        self.notices = (*said, *map(str, state.faults.values()), *clock)

    @property
    def subject(self) -> str | None:
        """Who it is, if that was written down."""
        return self._store.state.record.subject

    @property
    def base(self) -> Base:
        """What is known of the base specialist."""
        return self._store.state.record.base

    @property
    def created(self) -> str:
        """When the folder was begun, in UTC, by a clock that may be wrong."""
        return self._store.state.record.created

    @property
    def versions(self) -> tuple[Version, ...]:
        """Versions that are whole, in order."""
        return tuple(self._store.state.versions.values())

    @property
    def events(self) -> tuple[Event, ...]:
        """What happened, in order."""
        return self._store.state.events

    @property
    def active(self) -> Version:
        """The version that judges.

        Raises
        ------
        PatientDamagedError
            It was changed or lost; `rollback` goes to one that is whole.
        """
        return self._store.state.version(self._store.state.active)

    def version(self, name: str | int) -> Version:
        """Give a version by its number, its id, the beginning of its id (six digits or more), or its folder's name.

        Raises
        ------
        PatientError
            There is none, or there are several; the text lists them.
        """
        asked, state = str(name).strip().lower(), self._store.state
        made = {event.version: event.attempt for event in self.events if event.kind in {"created", "accepted"}}
        if asked.isdecimal() and (found := [sha256 for sha256, n in made.items() if n == int(asked)]):
            return state.version(found[0] or "")
        number, _, part = asked.rpartition("-")
        # A number that no version has must not be taken for the beginning of an id.
        enough = len(part) >= FEWEST_DIGITS or (number and part)
        found = [s for s, n in made.items() if s and enough and s.startswith(part) and number in {"", f"{n:04d}"}]
        if len(found) == 1:
            return state.version(found[0] or "")
        there = ", ".join(version.name for version in self.versions if not found or version.id in found)
        what = f"{len(found)} versions begin with {asked!r}" if found else f"there is no version {asked!r}"
        raise PatientError(f"{what} in {self.path}; give the number, or enough of the id, of one of these: {there}")

    def check_base(self, specialist: "Specialist") -> None:
        """Refuse another base than the one that the versions begin with.

        Raises
        ------
        SpecialistError
            It is another; the text says which is needed.
        """
        from auricle.adaptation.patient.adapted import check_base

        check_base(specialist, self.base, self.path)
        self._base = specialist

    def find_base(self) -> "Specialist":
        """Give the base: the one that was last checked, or else the one at its place.

        Raises
        ------
        SpecialistError
            It isn't there, or it is another one by now.
        """
        from auricle.adaptation.patient.adapted import load_base

        if self._base is None:
            self._base = load_base(self.base, self.path)
        else:
            self.check_base(self._base)
        return self._base

    @contextmanager
    def attempt(self, *, parent: Version | None = None) -> Iterator[Attempt]:
        """Hold the folder for one attempt at a new version.

        What lies in `attempt.folder` stays there until the attempt is accepted or refused, also when the block ends by
        an exception or the process is killed: running again goes on with it.

        Parameters
        ----------
        parent
            The version that it starts from; None for the active one.

        Raises
        ------
        PatientBusyError
            Another process or object is at it; the text names it.
        """
        with self._writing():
            state = self._store.state
            start = state.version(state.active if parent is None else parent.id)
            with writing(self.path):
                folder, resumed, said = self._store.begin(state.next_attempt, start.id)
            self.notices += (said,) if said else ()
            yield Attempt(
                self._store, folder, start, resumed=resumed, now=partial(_text, self._clock), find_base=self.find_base
            )  # fmt: skip

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with locked(self.path):
            self._note(*self._store.recover())
            yield

    def rollback(self, to: str | int) -> Version:
        """Make another version the active one; nothing is deleted, and a later rollback can go forward again.

        Parameters
        ----------
        to
            A version, as `version` takes it.

        Raises
        ------
        PatientError
            There is none of that name, or it is active already.
        PatientDamagedError
            One of its files was changed or lost.
        """
        with self._writing():
            target = self.version(to)
            target.check_files()
            before = self._store.state.active
            if target.id == before:
                raise PatientError(f"version {target.name} is active already; nothing was changed")
            order = [event.version for event in self.events if event.kind in {"created", "accepted"}]
            back = order.index(target.id) < order.index(before)
            kind: Kind = "rolled back" if back else "activated"
            self._store.commit(kind, _text(self._clock), active=target.id, version=target.id)
        return target

    def review(self, by: str, *, version: str | int | None = None, remark: str | None = None) -> Version:
        """Write down that a person has looked at a version; from now on the plan's time for the next look runs anew.

        Parameters
        ----------
        by
            Who looked: a name, a role or an address.
        version
            Which, as `version` takes it; None for the active one.
        remark
            What they found, if anything is to be said.

        Raises
        ------
        InputError
            The name is empty, or one of the texts is longer than 2,000 characters.
        PatientError
            There is no such version.
        PatientDamagedError
            One of its files was changed or lost: then there is nothing whole to review.
        """
        said = {"by": by.strip(), **({"remark": remark.strip()} if remark and remark.strip() else {})}
        if not said["by"]:
            raise InputError("a review needs the name of who looked; none was given")
        if longest := next((name for name, text in said.items() if len(text) > MOST_TEXT), None):
            raise InputError(
                f"the {longest} of a review has {len(said[longest]):,} characters; {MOST_TEXT:,} are allowed"
            )
        with self._writing():
            target = self.active if version is None else self.version(version)
            target.check_files()
            active = self._store.state.active
            self._store.commit("reviewed", _text(self._clock), active=active, version=target.id, review=said)
        return target

    def specialist(self, base: "Specialist", version: Version | None = None) -> "Specialist":
        """Give a version as a specialist: the base's network with the ledger's steps, and the version's calibration.

        Parameters
        ----------
        base
            The base; it stays as it is.
        version
            Which; None for the active one.

        Raises
        ------
        SpecialistError
            Another base.
        PatientDamagedError
            Files of the version were changed, or its ledger leads to other weights than those that were accepted.
        """
        from auricle.adaptation.patient.adapted import specialist_of

        self.check_base(base)
        return specialist_of(base, self.active if version is None else version)

    def verify(self, base: "Specialist") -> "Verification":
        """Check every byte: journal, records, ledgers and calibrations, and the weights of each version by replay.

        Raises
        ------
        SpecialistError, PatientDamagedError
            The first thing that is wrong.
        """
        from auricle.adaptation.patient.verification import verify

        return verify(self.path, self.base, base)

    def __repr__(self) -> str:
        return f"Patient({str(self.path)!r}, {len(self.versions)} versions, active {self._store.state.active[:12]})"


def _text(clock: Clock) -> str:
    return clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _check_free(path: Path) -> None:
    if (path / PATIENT).exists():
        raise PatientError(f"{path} holds a patient already; Patient.open continues it, or name a new folder")
    if path.is_symlink() or (path.exists() and not is_folder(path)) or names_in(path):
        raise PatientError(f"{path} is there already and is no empty folder; name a new one, nothing was written")
    if not is_folder(path.parent):
        raise PatientError(f"{path} can't be made: there is no folder {path.parent}; make it first")
