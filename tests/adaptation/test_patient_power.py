"""The power is cut at every point of every operation, and the patient's folder is opened on whatever the disk may hold.

The model of the disk, at a cut behind the n-th operation of a recorded log:

- A file's bytes are sure up to its last `fsync`. What was written, appended or cut off since may be there, missing, or
  torn: the first byte, half, all but the last byte, all of it as zeros, or half of it and zeros up to its length.
- A folder's names are sure up to its last `fsync_folder`. Each change since (a new name, a removed one, a rename) is
  there or not, each independently of the others, which covers every order in which they may reach the disk. A rename
  within a folder may also leave both names. `fsync` of a file makes none of its names sure.
- Across folders, a rename is two changes, one in each folder.
- What a name stands for when its folder comes to the disk late is the file itself, with its own sure bytes.

All combinations are built, equal ones once. On each of them must hold: the folder opens; it holds what was there
before the operation or what is there after it, whole, and the latter if the operation had returned; `active.json`
named the version of one of the two even before, for whoever reads nothing else; opening says what it put right; all is
sound afterwards; and it goes on. The same holds when the power is cut again while it is put right.
"""

import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from auricle.adaptation.patient import Patient
from auricle.adaptation.patient.failures import PatientError
from auricle.adaptation.patient.records import Mark
from auricle.adaptation.patient.state import check_refused, read_state
from auricle.adaptation.patient.storage import Disk

Operation = tuple[str, str, object]
Tree = frozenset[tuple[str, bytes | None]]
"""Files by path, with their bytes, and folders with None."""


class Quick(Disk):
    """A disk that does not wait, as nothing cuts its power."""

    def fsync(self, path):
        pass

    fsync_folder = fsync


class Recording(Quick):
    """Does everything at once, and remembers what was asked for, with paths relative to a root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log: list[Operation] = []

    def _note(self, what: str, path: Path, argument: object = None) -> None:
        self.log.append((what, str(path.relative_to(self.root)), argument))

    def mkdir(self, path):
        super().mkdir(path)
        self._note("mkdir", path)

    def write(self, path, data):
        super().write(path, data)
        self._note("write", path, data)

    def append(self, path, data):
        super().append(path, data)
        self._note("append", path, data)

    def truncate(self, path, size):
        super().truncate(path, size)
        self._note("truncate", path, size)

    def fsync(self, path):
        assert path.is_file()
        self._note("fsync", path)

    def fsync_folder(self, path):
        assert path.is_dir()
        self._note("fsync_folder", path)

    def rename(self, old, new):
        super().rename(old, new)
        self._note("rename", old, str(new.relative_to(self.root)))

    def remove(self, path):
        super().remove(path)
        if path.name != "lock":
            self._note("remove", path)


@dataclass(eq=False)
class File:
    """Sure bytes, and what was done since."""

    sure: bytes = b""
    since: list[tuple[str, object]] = field(default_factory=list)

    def now(self) -> bytes:
        data = self.sure
        for what, argument in self.since:
            data = data + argument if what == "append" else data[:argument]
        return data

    def sync(self) -> None:
        self.sure, self.since = self.now(), []

    def states(self) -> set[bytes]:
        found = {self.sure}
        for what, argument in self.since:
            if what == "append":
                found |= {one + torn for one in found for torn in torn_of(argument)}
            else:
                found |= {one[:argument] for one in found}
        return found


def torn_of(data: bytes) -> set[bytes]:
    half = data[: len(data) // 2]
    return {data, data[:1], half, data[:-1], bytes(len(data)), half.ljust(len(data), b"\0")}


@dataclass(eq=False)
class Folder:
    """Sure names, and the changes since, each with the ways in which it may have come to the disk."""

    sure: dict[str, "File | Folder"] = field(default_factory=dict)
    names: dict[str, "File | Folder"] = field(default_factory=dict)
    since: list[tuple[Callable[[dict], None], ...]] = field(default_factory=list)

    def change(self, now: Callable[[dict], None], *others: Callable[[dict], None]) -> None:
        now(self.names)
        self.since.append((now, *others))

    def sync(self) -> None:
        self.sure, self.since = dict(self.names), []

    def states(self) -> Iterator[dict[str, "File | Folder"]]:
        for choice in itertools.product(*((None, *ways) for ways in self.since)):
            names = dict(self.sure)
            for way in choice:
                if way is not None:
                    way(names)
            yield names


class Model:
    """A disk with everything that its power cuts may leave."""

    def __init__(self, tree: Tree = frozenset()) -> None:
        self.root = Folder()
        for name, data in sorted(tree, key=lambda one: one[0]):
            self.apply(("mkdir", name, None) if data is None else ("write", name, data))
        self.sync(self.root)

    def sync(self, folder: Folder) -> None:
        folder.sync()
        for one in folder.sure.values():
            self.sync(one) if isinstance(one, Folder) else one.sync()

    def find(self, name: str) -> "File | Folder":
        at: File | Folder = self.root
        for part in Path(name).parts:
            assert isinstance(at, Folder)
            at = at.names[part]
        return at

    def apply(self, operation: Operation) -> None:
        what, name, argument = operation
        if what in {"fsync", "fsync_folder"}:
            self.find(name).sync()
            return
        if what in {"append", "truncate"}:
            self.find(name).since.append((what, argument))
            return
        path = Path(name)
        folder, own = self.find(str(path.parent)), path.name
        if what == "remove":
            folder.change(lambda names: names.pop(own, None))
        elif what == "rename":
            self.rename(folder, own, Path(str(argument)), self.find(name))
        else:
            made = Folder() if what == "mkdir" else File(since=[("append", argument)])
            folder.change(lambda names: names.__setitem__(own, made))

    def rename(self, folder: Folder, own: str, to: Path, node: "File | Folder") -> None:
        target = self.find(str(to.parent))

        def vanish(names):
            names.pop(own, None)

        def appear(names):
            names[to.name] = node

        def move(names):
            vanish(names)
            appear(names)

        if target is folder:
            folder.change(move, appear)
        else:
            folder.change(vanish)
            target.change(appear)

    def trees(self) -> set[Tree]:
        return set(trees_of(self.root))


def trees_of(folder: Folder, prefix: str = "") -> Iterator[Tree]:
    seen = set()
    for names in folder.states():
        key = tuple(sorted((name, id(one)) for name, one in names.items()))
        if key in seen:
            continue
        seen.add(key)
        parts = []
        for name, one in names.items():
            path = prefix + name
            if isinstance(one, File):
                parts.append([frozenset({(path, data)}) for data in one.states()])
            else:
                inner = set(trees_of(one, f"{path}/"))
                parts.append([frozenset({(path, None)}) | tree for tree in inner])
        for choice in itertools.product(*parts):
            yield frozenset().union(*choice)


def tree_of(root: Path) -> Tree:
    return frozenset(
        (str(path.relative_to(root)), None if path.is_dir() else path.read_bytes())
        for path in root.rglob("*") if path.name != "lock"
    )  # fmt: skip


def lay(tree: Tree, root: Path) -> None:
    """Put a tree in place of what is there."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for name, data in sorted(tree, key=lambda one: one[0]):
        if data is None:
            (root / name).mkdir()
        else:
            (root / name).write_bytes(data)


Held = tuple[str, tuple[str, ...], tuple[str, ...]]


def held(patient: Patient) -> Held:
    """Give what a patient holds: active version, events, versions; every file of it whole."""
    assert not read_state(patient.path).faults
    for version in patient.versions:
        version.check_files()
    for event in patient.events:
        if event.kind == "refused":
            check_refused(patient.path, event)
    return patient.active.id, tuple(e.sha256 for e in patient.events), tuple(v.id for v in patient.versions)


@dataclass(frozen=True)
class Step:
    """One recorded operation: where its log ends, and what the patient held afterwards (None: there was none yet)."""

    name: str
    end: int
    held: Held | None


@dataclass(frozen=True)
class Story:
    log: tuple[Operation, ...]
    steps: tuple[Step, ...]
    first: int = 0
    """Cut from which on there is something to look at."""

    def without(self, what: str, name: str) -> "Story":
        """Forget the last operation of a kind on paths that end so."""
        at = max(n for n, one in enumerate(self.log) if one[0] == what and f"/{one[1]}".endswith(f"/{name}"))
        steps = tuple(replace(step, end=step.end - (step.end > at)) for step in self.steps)
        return Story(self.log[:at] + self.log[at + 1 :], steps, first=at)

    def cuts(self) -> Iterator[tuple[int, Model, set[Held | None]]]:
        """Every point at which the power may go, the disk there, and what may be held."""
        model, step = Model(), 0
        for n in range(len(self.log) + 1):
            if n:
                model.apply(self.log[n - 1])
            while step + 1 < len(self.steps) and n >= self.steps[step + 1].end:
                step += 1
            if n < self.first:
                continue
            after = self.steps[min(step + 1, len(self.steps) - 1)]
            yield (
                n,
                model,
                {self.steps[step].held} if n == self.steps[step].end else {self.steps[step].held, after.held},
            )


def tell(root: Path, base, ledgers, calibrations) -> Story:
    """Do everything that a patient's folder knows, and record it."""
    root.mkdir()
    disk = Recording(root)
    steps = [Step("nothing", 0, None)]

    def done(name: str, patient: Patient) -> Patient:
        steps.append(Step(name, len(disk.log), held(patient)))
        return patient

    patient = done("create", Patient.create(root / "p", base, subject="anna", storage=disk))
    with patient.attempt() as attempt:
        attempt.accept(ledgers[0], calibrations[0], {"n": 1})
    done("accept", patient)
    with patient.attempt() as attempt:
        attempt.ledger()
        attempt.refuse({"n": 2})
    done("refuse", patient)
    with patient.attempt() as attempt:
        attempt.accept(ledgers[1], calibrations[1], {"n": 3}, activate=False)
    done("accept without activating", patient)
    patient.rollback("0")
    done("roll back", patient)
    patient.rollback("3")
    done("activate", patient)
    return Story(tuple(disk.log), tuple(steps))


def open_after_a_cut(tree: Tree, root: Path, allowed: set[Held | None], storage: Disk | None = None) -> Held | None:
    """Open the patient on what a cut left, and give what it holds; it says what it put right, and is sound then."""
    lay(tree, root)
    if not (root / "p").exists():
        with pytest.raises(PatientError, match="so it is no patient's folder"):
            Patient.open(root / "p")
        return None
    mark = Mark.from_bytes((root / "p" / "active.json").read_bytes(), "active.json")
    assert mark.version in {one[0] for one in allowed if one is not None}
    patient = Patient.open(root / "p", storage=storage or Quick())
    found = held(patient)
    assert bool(patient.notices) == (tree_of(root) != tree)
    assert read_state(patient.path).sound
    return found


@pytest.fixture(scope="module")
def story(tmp_path_factory, base, ledgers, calibrations) -> Story:
    return tell(tmp_path_factory.mktemp("story") / "disk", base, ledgers, calibrations)


def failures(story: Story, root: Path, *, again: int = 0) -> Iterator[str]:
    """Everything that does not hold; with `again`, for each so many-th disk also if the power is cut a second time."""
    seen: dict[tuple[Tree, frozenset], None] = {}
    for n, model, allowed in story.cuts():
        for tree in model.trees():
            if (key := (tree, frozenset(allowed))) in seen:
                continue
            seen[key] = None
            try:
                found = open_after_a_cut(tree, root, allowed)
            except (AssertionError, PatientError, OSError) as error:
                yield f"cut {n}: {type(error).__name__}: {error}"
                continue
            if found not in allowed:
                yield f"cut {n}: {found}"
            elif found is not None and again and len(seen) % again == 0:
                yield from failures_again(tree, root, found, allowed)


def failures_again(tree: Tree, root: Path, found: Held, allowed: set[Held | None]) -> Iterator[str]:
    disk = Recording(root)
    open_after_a_cut(tree, root, allowed, disk)
    model = Model(tree)
    for n, operation in enumerate(disk.log):
        model.apply(operation)
        for left in model.trees():
            if open_after_a_cut(left, root, allowed) not in allowed:
                yield f"second cut {n}"
    with Patient.open(root / "p", storage=Quick()).attempt() as attempt:
        attempt.refuse({})
    if len(Patient.open(root / "p").events) != len(found[1]) + 1:
        yield "it does not go on"


def test_the_log_leads_to_what_is_on_the_disk(story, tmp_path):
    """The model itself: with nothing lost, it holds what the recorded disk held."""
    *_, (_, model, _) = story.cuts()
    model.sync(model.root)
    (tree,) = model.trees()
    lay(tree, tmp_path / "disk")
    assert held(Patient.open(tmp_path / "disk" / "p")) == story.steps[-1].held
    assert len({step.held for step in story.steps}) == 7


def test_after_any_power_cut_it_is_the_old_or_the_new_one_whole(story, memory):
    assert sum(len(model.trees()) for _, model, _ in story.cuts()) > 500
    assert list(failures(story, memory / "disk", again=8)) == []


FORGOTTEN = [
    ("fsync", "journal.jsonl"), ("fsync", "active.json.new"), ("fsync", "ledger.zo"), ("fsync", "impact.json"),
    ("fsync", "version.json"), ("fsync", "calibration.json"), ("fsync", "patient.json"), ("fsync_folder", ".new"),
    ("fsync_folder", "versions"), ("fsync_folder", "refused"), ("fsync_folder", "p"),
    ("fsync_folder", ".p.creating"), ("fsync_folder", "."),
]  # fmt: skip


@pytest.mark.parametrize("forgotten", FORGOTTEN, ids="-".join)
def test_each_wait_for_the_disk_is_needed(story, memory, forgotten):
    """Without one of them, the test above fails: it would find a program that forgets it."""
    assert next(failures(story.without(*forgotten), memory / "disk"), None) is not None
