"""The power is cut at every point of every operation, and the patient's folder is opened on whatever the disk may hold.

All combinations that `power_cuts` knows are built, equal ones once. On each of them must hold: the folder opens; it
holds what was there before the operation or what is there after it, whole, and the latter if the operation had
returned; `active.json` named the version of one of the two even before, for whoever reads nothing else; opening says
what it put right; all is sound afterwards; and it goes on. The same holds when the power is cut again while it is put
right.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from auricle.adaptation.patient import Patient
from auricle.adaptation.patient.failures import PatientError
from auricle.adaptation.patient.records import Mark
from auricle.adaptation.patient.state import check_refused, read_state
from auricle.adaptation.patient.storage import Disk
from power_cuts import Model, Operation, Quick, Recording, Tree, lay, tree_of

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
    patient.review("Dr. Keller", remark="looks right")
    done("review", patient)
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
    assert len({step.held for step in story.steps}) == 8


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
