"""A stopped run is taken up wherever it was stopped: the file becomes the one that an unstopped run writes."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auricle.errors import InputError
from auricle.lines import ResumableLines

RUN = {"specialist": "abc", "alpha": 0.1, "lead": None}
RECORDINGS = {
    "a": ["first", "second"],
    "b": [],
    "c": ['{"µV": 1}'],
    "d \N{SNOWMAN}\nx": ["x" * 40, "y", "z"],
    "e": ["last"],
}


def journal(path: Path) -> Path:
    return path.with_name(path.name + ".progress")


def go_on(path: Path, *, stop_after: int | None = None, run: dict = RUN) -> list[str]:
    """Write what is missing, finish unless stopped before; give the keys that were written."""
    written: list[str] = []
    with ResumableLines(path, run) as lines:
        for key, texts in RECORDINGS.items():
            if key in lines.done:
                continue
            if stop_after is not None and len(written) >= stop_after:
                return written
            lines.add(key, texts)
            written.append(key)
        lines.finish()
    return written


@pytest.fixture
def no_fsync(monkeypatch):
    """Hundreds of runs need not wait for the disk."""
    monkeypatch.setattr("auricle.lines.os.fsync", lambda _: None)


@pytest.fixture
def whole(tmp_path):
    go_on(tmp_path / "whole")
    return (tmp_path / "whole").read_bytes()


def test_a_run_writes_every_line_once_and_leaves_no_journal(tmp_path, whole):
    assert whole.decode().split("\n") == [line for lines in RECORDINGS.values() for line in lines] + [""]
    assert [p.name for p in tmp_path.iterdir()] == ["whole"]


@pytest.mark.parametrize("stop_after", range(len(RECORDINGS)))
def test_a_stopped_run_writes_only_what_is_missing(tmp_path, whole, stop_after):
    path = tmp_path / "out"
    first = go_on(path, stop_after=stop_after)
    assert first + go_on(path) == list(RECORDINGS)
    assert path.read_bytes() == whole
    assert not journal(path).exists()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stop_after=st.integers(1, 5), file_at=st.floats(0, 1), journal_at=st.floats(0, 1), extra=st.binary(max_size=9))
def test_both_files_may_end_at_any_byte(tmp_path, whole, no_fsync, stop_after, file_at, journal_at, extra):
    """A kill or a power cut leaves any part of either file, or bytes of a recording that was being written."""
    path = tmp_path / "out"
    path.unlink(missing_ok=True)
    with ResumableLines(path, RUN) as lines:
        for key in list(RECORDINGS)[:stop_after]:
            lines.add(key, RECORDINGS[key])
    content, notes = path.read_bytes(), journal(path).read_bytes()
    cut = round(file_at * len(content))
    path.write_bytes(content[:cut] + (extra if cut == len(content) else b""))
    journal(path).write_bytes(notes[: round(journal_at * len(notes))])
    go_on(path)
    assert path.read_bytes() == whole
    assert not journal(path).exists()


def test_every_single_byte_of_the_journal_may_be_its_last(tmp_path, whole, no_fsync):
    path = tmp_path / "out"
    go_on(path, stop_after=4)
    content, notes = path.read_bytes(), journal(path).read_bytes()
    for at in range(len(notes) + 1):
        path.write_bytes(content)
        journal(path).write_bytes(notes[:at])
        go_on(path)
        assert path.read_bytes() == whole, at


def test_a_journal_that_lost_power_while_it_grew_is_believed_up_to_there(tmp_path, whole):
    path = tmp_path / "out"
    go_on(path, stop_after=2)
    with journal(path).open("ab") as file:
        file.write(b"\0" * 20 + b"\n" + json.dumps({"key": "e", "end": 3}).encode() + b"\n")
    assert go_on(path)[0] == list(RECORDINGS)[2]
    assert path.read_bytes() == whole


def test_a_file_that_vanished_is_written_anew(tmp_path, whole):
    path = tmp_path / "out"
    go_on(path, stop_after=3)
    path.unlink()
    assert go_on(path) == list(RECORDINGS)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("other", [{**RUN, "alpha": 0.2}, {**RUN, "more": 1}, {}])
def test_other_settings_do_not_take_up_the_run(tmp_path, other):
    path = tmp_path / "out"
    go_on(path, stop_after=2)
    before = path.read_bytes(), journal(path).read_bytes()
    text = (
        r"out belongs to a run with other settings; name another file, or remove it and .*out\.progress to start anew"
    )
    with pytest.raises(InputError, match=text):
        ResumableLines(path, other)
    assert (path.read_bytes(), journal(path).read_bytes()) == before


def test_the_advice_for_other_settings_works(tmp_path):
    path = tmp_path / "out"
    go_on(path, stop_after=2)
    path.unlink()
    journal(path).unlink()
    assert go_on(path, run={"alpha": 0.2}) == list(RECORDINGS)


def test_a_complete_file_is_never_touched(tmp_path, whole):
    with pytest.raises(InputError, match="whole exists and belongs to no stopped run; name another file, or remove"):
        ResumableLines(tmp_path / "whole", RUN)
    assert (tmp_path / "whole").read_bytes() == whole


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"is a folder; name a file in it, such as .*findings\.jsonl"):
        ResumableLines(tmp_path, RUN)


@pytest.mark.parametrize("path", ["/dev/full", "/dev/null"])
def test_a_device_is_refused(path):
    with pytest.raises(InputError, match=f"{path} is a pipe or a device; name a file, or leave out --out"):
        ResumableLines(Path(path), RUN)


def test_a_missing_folder_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match=r"out\.progress can't be written: No such file or directory; name another"):
        ResumableLines(tmp_path / "no" / "out", RUN)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cant_be_opened_leaves_no_journal(tmp_path):
    (tmp_path / "out").symlink_to(tmp_path / "no" / "out")
    with pytest.raises(InputError, match=r"out can't be written: No such file or directory; name another file"):
        ResumableLines(tmp_path / "out", RUN)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_two_runs_never_write_one_file(tmp_path):
    with ResumableLines(tmp_path / "out", RUN) as first:
        first.add("a", ["1"])
        with pytest.raises(InputError, match=r"another run is writing .*out just now; wait until it is done, or name"):
            ResumableLines(tmp_path / "out", RUN)
        first.add("b", ["2"])
    with ResumableLines(tmp_path / "out", RUN) as again:
        assert again.done == {"a", "b"}
        again.finish()
    assert (tmp_path / "out").read_text() == "1\n2\n"


def test_a_run_that_ends_before_its_first_recording_leaves_nothing(tmp_path):
    with ResumableLines(tmp_path / "out", RUN):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_that_was_there_stays(tmp_path):
    (tmp_path / "out").touch()
    with ResumableLines(tmp_path / "out", RUN):
        pass
    assert (tmp_path / "out").exists()


@pytest.mark.parametrize("room", [0, 3, 13, 20, 60])
def test_a_full_disk_leaves_a_run_that_goes_on(tmp_path, whole, monkeypatch, room):
    """The disk takes `room` bytes more, and then none."""
    path = tmp_path / "out"
    go_on(path, stop_after=1)
    size = path.stat().st_size

    def full(descriptor: int) -> None:
        if path.stat().st_size > size + room:
            with path.open("r+b") as file:
                file.truncate(size + room)
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("auricle.lines.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        go_on(path)
    monkeypatch.undo()
    go_on(path)
    assert path.read_bytes() == whole


def test_a_disk_that_fills_up_for_real(tmp_path):
    """/dev/full takes no byte; both files are closed all the same."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full on this system")
    lines = ResumableLines(tmp_path / "out", RUN)
    lines._file.close()
    lines._file = full.open("wb")
    with pytest.raises(OSError, match="No space left"), lines:
        lines.add("a", ["x"])
    assert lines._file.closed
    assert lines._journal.closed


def test_a_note_follows_what_it_speaks_of_to_the_disk(tmp_path, monkeypatch):
    path, seen = tmp_path / "out", []
    monkeypatch.setattr(
        "auricle.lines.os.fsync", lambda _: seen.append((path.read_bytes(), journal(path).read_bytes()))
    )
    with ResumableLines(path, RUN) as lines:
        lines.add("a", ["x"])
    ((content, notes),) = seen
    assert content == b"x\n"
    assert b'"a"' not in notes
