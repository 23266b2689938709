"""The core file in FuseSoC itself, where it is installed: every target is run, and a fault is noticed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from auricle.errors import MissingExtraError
from auricle.rtl import Engine, UpdateLane, bank, generate, row_pool, tools


@pytest.fixture(scope="module")
def fusesoc():
    """Run a target of a generated engine: its exit code and what it said."""
    program = os.environ.get("FUSESOC") or shutil.which("fusesoc")
    if program is None:
        pytest.skip("FuseSoC isn't installed (pip install fusesoc); FUSESOC may name the program")
    try:
        linter = tools.verilator()
        tools.iverilog()
    except MissingExtraError as error:
        pytest.skip(str(error))
    path = f"{Path(linter.command[0]).parent}{os.pathsep}{os.environ['PATH']}"

    def run(folder, target):
        command = [program, "--cores-root", "engine", "run", "--target", target, "auricle:perturbation:" + core(folder)]
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"PATH": path, "HOME": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def core(folder):
    return next((folder / "engine").glob("*.core")).stem


ENGINES = [Engine(spec=bank(lanes=5, bits=4, generators=3)), Engine(spec=row_pool(lanes=6, rows=13))]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_target_runs(engine, fusesoc, tmp_path):
    generate(engine, tmp_path / "engine", update=UpdateLane(), numbers=300)
    for target in ("lint", "lint_update", "sim", "sim_update"):
        code, said = fusesoc(tmp_path, target)
        assert code == 0, said
        assert "WARNING" not in said
        assert ("PASS " in said) == target.startswith("sim")


def test_a_fault_is_noticed(fusesoc, tmp_path):
    generate(ENGINES[0], tmp_path / "engine", numbers=300)
    path = tmp_path / "engine" / "auricle_scale.v"
    text = path.read_text().replace("1'b1} ^", "1'b0} ^")
    path.write_text(text.replace("    integer g;", "    wire idle = shift[0];\n    integer g;"))
    code, said = fusesoc(tmp_path, "lint")
    assert code != 0
    assert "Signal is not used: 'idle'" in said
    assert "FAIL tdata differs" in fusesoc(tmp_path, "sim")[1]
