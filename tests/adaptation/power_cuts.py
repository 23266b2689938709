"""A disk that remembers what it was asked for, and a model of what the power may leave of it.

At a cut behind the n-th operation of a recorded log:

- A file's bytes are sure up to its last `fsync`. What was written, appended or cut off since may be there, missing, or
  torn: the first byte, half, all but the last byte, all of it as zeros, or half of it and zeros up to its length.
- A folder's names are sure up to its last `fsync_folder`. Each change since (a new name, a removed one, a rename) is
  there or not, each independently of the others, which covers every order in which they may reach the disk. A rename
  within a folder may also leave both names. `fsync` of a file makes none of its names sure.
- Across folders, a rename is two changes, one in each folder.
- What a name stands for when its folder comes to the disk late is the file itself, with its own sure bytes.
"""

import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

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
