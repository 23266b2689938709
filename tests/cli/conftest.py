"""The command as a function, and recordings to give it."""

import json
import re
import shutil

import jsonschema
import pytest

from auricle import Recording
from auricle.cli import run
from auricle.finding import json_schema
from auricle.signals.simulate import atrial_fibrillation, sinus


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Keep the user's cache out of the tests, and the tests out of the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def command(capsys, one_thread):
    """Run the command; give its exit code, stdout and stderr."""

    def call(*arguments):
        code = run([str(argument) for argument in arguments])
        out = capsys.readouterr()
        return code, out.out, out.err

    return call


@pytest.fixture
def refused(command):
    """The command must fail with this code, with one sentence on stderr, and with nothing on stdout."""

    def call(code, text, *arguments):
        found, out, err = command(*arguments)
        assert (found, out) == (code, ""), err
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert "Traceback" not in err
        assert re.search(text, err), err

    return call


@pytest.fixture
def findings():
    """Give the findings in JSON Lines, each held against the schema."""

    def parse(out):
        lines = [json.loads(line) for line in out.splitlines()]
        for line in lines:
            jsonschema.validate(line, json_schema())
        return lines

    return parse


@pytest.fixture(scope="session")
def tiny(made):
    return str(made.specialist)


@pytest.fixture(scope="session")
def records(tmp_path_factory):
    """Five recordings in a folder: simulated ones, and one of 34 s that is cut into four windows."""
    folder = tmp_path_factory.mktemp("records")
    for i in range(4):
        make = sinus if i % 2 else atrial_fibrillation
        make(8.0, 300.0, seed=i, id=f"r{i}").save(folder / f"r{i}.npz")
    long = sinus(34.0, 250.0, seed=9)
    Recording.from_array(long.samples(), 250.0, channels=("I",), units="mV", id="r4").save(folder / "r4.npz")
    return folder


@pytest.fixture
def damaged(records, tmp_path):
    """The same folder with one file that is none."""
    shutil.copytree(records, tmp_path / "records")
    (tmp_path / "records" / "r2[red].hea").write_bytes(b"nonsense")
    return tmp_path / "records"
