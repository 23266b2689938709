"""A patient's folder as a disk holds it: read as a whole, put right after a power cut, and changed one event at a time.

The order of writes is what makes it safe. A version's folder is complete and on the disk before the journal tells of
it; the journal's line is on the disk before `active.json` acknowledges it; and `active.json` is replaced in one go. So
whatever a power cut leaves, the acknowledged events are whole, and at most one more stands behind them, which is
finished or dropped when the folder is next opened for writing.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from auricle.adaptation.patient.failures import PatientDamagedError, PatientError, writing
from auricle.adaptation.patient.journal import Event, Kind
from auricle.adaptation.patient.lock import locked
from auricle.adaptation.patient.records import Mark, PatientRecord, Plot
from auricle.adaptation.patient.state import (
    ACTIVE,
    ATTEMPT,
    JOURNAL,
    PATIENT,
    PLOT,
    REFUSED,
    UNFINISHED,
    VERSIONS,
    State,
    check_refused,
    read_plot,
    read_state,
    read_versions,
)
from auricle.adaptation.patient.storage import STAGING, Storage, is_folder, publish, remove_tree
from auricle.adaptation.patient.version import IMPACT, folder_name


class Store:
    """A patient's folder on a disk.

    Parameters
    ----------
    path
        Where it lies.
    storage
        The disk.

    Attributes
    ----------
    state
        What it held when it was last looked at.
    """

    state: State

    def __init__(self, path: Path, storage: Storage) -> None:
        self.path = path
        self.storage = storage

    def create(self, record: PatientRecord, contents: Mapping[str, bytes], event: Event, number: int) -> None:
        """Make the folder, whole or not at all.

        Parameters
        ----------
        record
            Whose it is.
        contents
            Files of version 0.
        event
            The first of the journal.
        number
            Of the version that it makes active.
        """
        new = self.path.with_name(f".{self.path.name}.creating")
        storage = self.storage
        with writing(self.path):
            if is_folder(new):
                with locked(new):
                    remove_tree(storage, new)
            storage.mkdir(new)
            try:
                with locked(new):
                    for folder in (VERSIONS, REFUSED):
                        storage.mkdir(new / folder)
                    publish(storage, new / VERSIONS, folder_name(number, event.active), contents)
                    mark = Mark(version=event.active, number=number, events=1, head=event.sha256)
                    for name, one in ((PATIENT, record), (JOURNAL, event), (ACTIVE, mark)):
                        storage.write(new / name, one.to_bytes())
                        storage.fsync(new / name)
                    storage.fsync_folder(new / REFUSED)
                    storage.fsync_folder(new)
                    storage.rename(new, self.path)
                    storage.fsync_folder(self.path.parent)
            except OSError:
                with suppress(OSError):
                    remove_tree(storage, new)
                raise

    def load(self) -> bool:
        """Look at the folder, and tell whether nothing is left to be put right."""
        self.state = read_state(self.path)
        return self.state.sound

    def recover(self) -> tuple[str, ...]:
        """Look at the folder, and put right what a power cut or a kill left; only for who holds the lock.

        Returns
        -------
        What was done, a sentence each.
        """
        if self.load():
            return ()
        state, said = self.state, list[str]()
        with writing(self.path):
            keep, whole = state.journal.events, self._whole(state)
            if not whole:
                keep = state.events
                said.append("the last event of the journal told of files that are not whole, and was dropped")
            elif state.journal.rest:
                said.append("the journal's last line was cut short before it was acknowledged, and was removed")
            if state.journal.rest or len(keep) < len(state.journal.events):
                self.storage.truncate(self.path / JOURNAL, state.journal.ends[len(keep) - 1])
            said += [f"event {e.event} ({e.kind}) was written but not acknowledged, and was finished"
                     for e in keep[len(state.events) :]]  # fmt: skip
            if state.mark is None:
                said.append(f"{ACTIVE} was missing or unreadable, and was made anew from the journal")
            self.storage.fsync(self.path / JOURNAL)
            if state.mark is None or len(keep) > len(state.events):
                self._acknowledge(keep)
            said += [self._put_aside(name) for name in state.leftovers]
        if not whole:
            # What the dropped event told of is a leftover only now.
            return (*said, *self.recover())
        self.load()
        return tuple(said)

    def _whole(self, state: State) -> bool:
        """Tell whether everything is there that pending events tell of."""
        versions, faults = read_versions(self.path, state.pending)
        try:
            for version in versions.values():
                version.check_files()
            for event in state.pending:
                if event.kind == "refused":
                    check_refused(self.path, event)
        except PatientDamagedError:
            return False
        known = {*state.versions, *state.faults, *versions}
        return not faults and all(event.active in known for event in state.pending)

    def _put_aside(self, name: str) -> str:
        path = self.path / name
        if name == ATTEMPT or name.endswith(STAGING):
            remove_tree(self.storage, path)
            return f"{name} was left behind, and was removed"
        aside = self.path / UNFINISHED
        if not is_folder(aside):
            self.storage.mkdir(aside)
            self.storage.fsync_folder(self.path)
        free = next(n for n in range(1, 10**9) if not (aside / f"{path.name}.{n}").exists())
        self.storage.rename(path, aside / f"{path.name}.{free}")
        self.storage.fsync_folder(aside)
        self.storage.fsync_folder(path.parent)
        return f"{name} was not in the journal, and was moved to {UNFINISHED}/{path.name}.{free}"

    def publish_version(self, name: str, contents: Mapping[str, bytes]) -> Path:
        """Put a version's files in their place, and give it; nothing speaks of them yet."""
        publish(self.storage, self.path / VERSIONS, name, contents)
        return self.path / VERSIONS / name

    def publish_refused(self, number: int, impact: bytes) -> Path:
        """Put a refused attempt's record in its place, and give it; nothing speaks of it yet."""
        publish(self.storage, self.path / REFUSED, f"{number:04d}", {IMPACT: impact})
        return self.path / REFUSED / f"{number:04d}"

    def commit(
        self, kind: Kind, time: str, *, active: str, attempt: int | None = None, version: str | None = None,
        impact_sha256: str | None = None, review: Mapping[str, str] | None = None, published: Path | None = None,
    ) -> None:  # fmt: skip
        """Write an event into the journal and acknowledge it; only for who holds the lock, right after `recover`.

        Parameters
        ----------
        kind, time, active, attempt, version, impact_sha256
            See `Event`.
        review
            `by` and perhaps `remark` of an event of that kind.
        published
            The folder that it speaks of.

        Raises
        ------
        PatientError
            The disk refused, and the journal is as it was; or the event was acknowledged, and the disk would not
            confirm that it lasts.
        """
        state, journal = self.state, self.path / JOURNAL
        event = Event(
            event=len(state.events), kind=kind, time=time, attempt=attempt, version=version, active=active,
            impact_sha256=impact_sha256, previous=state.events[-1].sha256, **(review or {}),
        )  # fmt: skip
        with writing(self.path):
            try:
                self.storage.append(journal, event.to_bytes())
                self.storage.fsync(journal)
                self._acknowledge((*state.events, event))
            except OSError:
                # What was reported as failed must not be finished later on; if this fails too, it may be.
                with suppress(OSError):
                    self.storage.truncate(journal, state.journal.ends[-1])
                    self.storage.fsync(journal)
                    if published is not None:
                        remove_tree(self.storage, published)
                raise
        self.load()

    def _acknowledge(self, events: tuple[Event, ...]) -> None:
        last = events[-1]
        number = next(e.attempt or 0 for e in events if e.version == last.active and e.kind in {"created", "accepted"})
        mark = Mark(version=last.active, number=number, events=len(events), head=last.sha256)
        new = self.path / f"{ACTIVE}{STAGING}"
        remove_tree(self.storage, new)
        self.storage.write(new, mark.to_bytes())
        self.storage.fsync(new)
        self.storage.rename(new, self.path / ACTIVE)
        try:
            self.storage.fsync_folder(self.path)
        except OSError as error:
            raise PatientError(
                f"{self.path}: event {last.event} ({last.kind}) was written, and the disk does not confirm that it "
                f"would outlast a power cut ({error.strerror}); check the disk, then look with `auricle history`"
            ) from error

    def begin(self, number: int, parent: str) -> tuple[Path, bool, str]:
        """Give the folder of working files, with those of the same attempt if it was stopped.

        Returns
        -------
        The folder; whether it goes on; and a sentence about files of another attempt that were removed.
        """
        folder, wanted = self.path / ATTEMPT, Plot(number=number, parent=parent)
        found = read_plot(self.path) if is_folder(folder) else None
        if found == wanted:
            return folder, True, ""
        said = ""
        if found is not None:
            said = (
                f"working files of an attempt on version {found.parent[:12]} were removed, as this one starts from "
                f"{parent[:12]}"
            )
        remove_tree(self.storage, folder)
        self.storage.mkdir(folder)
        self.storage.write(folder / PLOT, wanted.to_bytes())
        self.storage.fsync(folder / PLOT)
        self.storage.fsync_folder(folder)
        self.storage.fsync_folder(self.path)
        return folder, False, said

    def end(self) -> None:
        """Remove the working files of an attempt that is journalled; what stays is removed at the next opening."""
        with suppress(OSError):
            remove_tree(self.storage, self.path / ATTEMPT)
