"""The user's page runs as it stands, and so does the example that it points to."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import auricle

ROOT = Path(__file__).parents[2]


@pytest.mark.usefixtures("one_thread")
def test_the_code_of_the_page_runs():
    page = (ROOT / "docs" / "zeroth.md").read_text(encoding="utf-8")
    blocks = re.findall(r"(<!-- needs (\w+) -->\n)?```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 4
    names: dict[str, object] = {}
    for _, needed, code in blocks:
        if not needed or importlib.util.find_spec(needed):
            exec(code, names)


def test_the_example_runs_with_a_random_network(tmp_path):
    for package in ("transformers", "peft", "accelerate"):
        pytest.importorskip(package, reason="needs auricle[huggingface]")
    environment = {**os.environ, "PYTHONPATH": str(Path(auricle.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "examples" / "finetune_minilm.py"), "--tiny", "--steps", "10"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "weights trained, none with a gradient" in done.stdout
    losses = [float(loss) for loss in done.stdout.split("loss: ")[-1].split()]
    assert len(losses) == 10
    assert all(0 < loss < 1 for loss in losses)
