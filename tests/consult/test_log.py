"""Lines are kept whole, whoever else writes and whatever lies in the way."""

import json
import os
import subprocess
import sys

import pytest

from auricle.consult.log import add_line
from auricle.errors import InputError

WRITER = """
import sys
from pathlib import Path
from auricle.consult.log import add_line
for i in range(40):
    add_line(Path(sys.argv[1]), '{"by": %s, "text": "%s"}' % (sys.argv[2], "x" * 20_000))
"""


def test_lines_of_runs_at_the_same_time_do_not_mix(tmp_path):
    path = tmp_path / "said.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(i)]) for i in range(2)]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(one["by"] for one in found) == [0] * 40 + [1] * 40


def test_a_line_that_was_cut_short_stays_alone(tmp_path):
    path = tmp_path / "said.jsonl"
    path.write_text('{"cut')
    add_line(path, "{}")
    add_line(path, "{}")
    assert path.read_text() == '{"cut\n{}\n{}\n'


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
def test_it_is_for_its_owner_alone(tmp_path):
    add_line(tmp_path / "said.jsonl", "{}")
    assert (tmp_path / "said.jsonl").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="links and pipes of POSIX")
@pytest.mark.parametrize("kind", ["a link", "a link to nothing", "a pipe", "a folder"])
def test_what_is_no_file_is_refused(tmp_path, kind):
    path, other = tmp_path / "said.jsonl", tmp_path / "other"
    {
        "a link": lambda: (other.write_text("mine"), path.symlink_to(other)),
        "a link to nothing": lambda: path.symlink_to(other),
        "a pipe": lambda: os.mkfifo(path),
        "a folder": path.mkdir,
    }[kind]()
    with pytest.raises(InputError, match=r"said.jsonl is a link, a pipe, a device or a folder; remove it"):
        add_line(path, "{}")
    assert not other.exists() or other.read_text() == "mine"


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    real = os.fsync

    def full(number):
        real(number)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"can't be written \(No space left on device\); what was asked"):
        add_line(tmp_path / "said.jsonl", "{}")
