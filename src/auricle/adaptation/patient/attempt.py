"""One attempt at a new version: its working files, and how it ends."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auricle.adaptation.patient import canonical
from auricle.adaptation.patient.canonical import digest
from auricle.adaptation.patient.failures import PatientError, writing
from auricle.adaptation.patient.storage import names_in, read_file, remove_tree
from auricle.adaptation.patient.store import Store
from auricle.adaptation.patient.version import LEDGER, Version, begins_with, contents_of, folder_name, ledger_of
from auricle.zeroth.ledger import Ledger, LedgerError

if TYPE_CHECKING:
    from auricle.specialist import Specialist

TASK = "task.json"


class Attempt:
    """An attempt that holds its patient's folder. `Patient.attempt` gives one; `accept` or `refuse` ends it.

    Attributes
    ----------
    number
        Counts the attempts of this patient; an accepted one gives it to its version.
    folder
        For working files, such as the ledger of a training that goes on; removed when the attempt ends.
    parent
        The version that it starts from.
    resumed
        Whether `folder` holds what an earlier run of the same attempt left there.
    """

    def __init__(
        self, store: Store, folder: Path, parent: Version, *, resumed: bool, now: Callable[[], str],
        find_base: "Callable[[], Specialist]",
    ) -> None:  # fmt: skip
        self.number = store.state.next_attempt
        self.folder = folder
        self.parent = parent
        self.resumed = resumed
        self._store = store
        self._now = now
        self._find_base = find_base

    def ledger(self) -> Path:
        """Give the place of the working ledger; where there is none yet, it begins with the parent's steps.

        `ZerothOrder(..., ledger=attempt.ledger())` on the base's weights then goes on from the parent. Nothing lies
        there when the parent has no steps: the optimizer begins a ledger.
        """
        path = self.folder / LEDGER
        data = self.parent.ledger_bytes()
        if data and not path.exists():
            storage, new = self._store.storage, self.folder / f"{LEDGER}.new"
            with writing(self.folder):
                remove_tree(storage, new)
                storage.write(new, data)
                storage.fsync(new)
                storage.rename(new, path)
                storage.fsync_folder(self.folder)
        return path

    def keep_if_same(self, task: Mapping[str, str]) -> None:
        """Keep the working ledger of a stopped run only if that run learned the same, and if it can be read.

        Parameters
        ----------
        task
            What is to be learned, by hashes.

        Raises
        ------
        PatientError
            The disk refuses.
        """
        storage, data = self._store.storage, canonical.to_bytes(task, what="the task")
        path, new = self.folder / TASK, self.folder / f"{TASK}.new"
        same = read_file(path) == data
        if same and _readable(self.folder / LEDGER):
            return
        with writing(self.folder):
            for name in names_in(self.folder):
                if name.startswith(LEDGER):
                    remove_tree(storage, self.folder / name)
            # Otherwise a power cut might leave the new task beside the steps of the old one.
            storage.fsync_folder(self.folder)
            remove_tree(storage, new)
            storage.write(new, data)
            storage.fsync(new)
            storage.rename(new, path)
            storage.fsync_folder(self.folder)

    def accept(
        self, ledger: bytes, calibration: Mapping[str, Any], impact: Mapping[str, Any], activate: bool = True, *,
        weights_sha256: str | None = None,
    ) -> Version:  # fmt: skip
        """Make a version of this attempt; when this returns, it outlasts a power cut.

        Parameters
        ----------
        ledger
            Bytes of a closed ledger from the base's weights on, beginning with the parent's steps; none if no version
            up to here moved a weight.
        calibration
            As `LabelConditional.to_dict` gives it, for the base's labels.
        impact
            What the attempt came to; JSON.
        activate
            Whether the version judges from now on; otherwise `Patient.rollback` can activate it later.
        weights_sha256
            `weights_sha256` of the network as it was tested. The replay of the ledger must lead there.

        Raises
        ------
        PatientError
            Ledger, calibration or impact can't be those of this patient; or the disk refuses. Nothing has changed.
        """
        from auricle.adaptation.patient import adapted

        self._check_open()
        store, base = self._store, self._find_base()
        adapted.check_calibration(calibration, base)
        opened = self._opened(ledger)
        weights = adapted.weights_sha256(base.network_ if opened is None else adapted.replayed(base.network_, opened))
        if weights_sha256 not in {None, weights}:
            raise PatientError(
                f"the ledger leads to weights with SHA-256 {weights[:12]}, and the network that was tested has "
                f"{str(weights_sha256)[:12]}: they don't belong together; settle the optimizer and close its ledger, "
                "then read both"
            )
        now = self._now()
        record, contents = contents_of(
            {"number": self.number, "parent": self.parent.id, "created": now, "base": base.hash_,
             "steps": 0 if opened is None else opened.steps, "weights_sha256": weights},
            ledger=ledger, calibration=calibration, impact=impact,
        )  # fmt: skip
        sha256 = digest(record.to_bytes())
        with writing(store.path):
            published = store.publish_version(folder_name(self.number, sha256), contents)
        active = sha256 if activate else store.state.active
        store.commit(
            "accepted", now, active=active, attempt=self.number, version=sha256, impact_sha256=record.impact_sha256,
            published=published,
        )  # fmt: skip
        store.end()
        return store.state.version(sha256)

    def refuse(self, impact: Mapping[str, Any]) -> None:
        """End the attempt without a version; its impact record is kept.

        Parameters
        ----------
        impact
            What the attempt came to, and why it was refused; JSON.

        Raises
        ------
        PatientError
            The record is no JSON, or the disk refuses. Nothing has changed.
        """
        self._check_open()
        store, data = self._store, canonical.to_bytes(impact, what="the impact record")
        with writing(store.path):
            published = store.publish_refused(self.number, data)
        store.commit(
            "refused", self._now(), active=store.state.active, attempt=self.number, impact_sha256=digest(data),
            published=published,
        )  # fmt: skip
        store.end()

    def _opened(self, data: bytes) -> Ledger | None:
        """Read a ledger that begins with the parent's steps."""
        before, after = self.parent.ledger(), ledger_of(data, Path(LEDGER)) if data else None
        if not begins_with(after, before):
            raise PatientError(
                f"the ledger does not begin with the {self.parent.steps} steps of version {self.parent.name}; go on "
                "with a copy of that version's ledger (Attempt.ledger gives one), or start from the base: "
                "patient.attempt(parent=patient.version(0))"
            )
        return after

    def _check_open(self) -> None:
        # A first try may have met a full disk and left something behind.
        self._store.recover()
        if self._store.state.next_attempt != self.number:
            raise PatientError(f"attempt {self.number} has ended; patient.attempt() begins the next one")


def _readable(path: Path) -> bool:
    """Tell whether a ledger can be gone on with; one that isn't there can."""
    try:
        Ledger.open(path)
    except LedgerError:
        return not path.exists()
    return True
