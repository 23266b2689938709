"""`auricle bench`: JSON or a table onto the screen, and the same result with its figure in a folder."""

import json
from pathlib import Path

SCORES = Path(__file__).parents[1] / "conformal" / "scores" / "sleep.npz"


def test_a_result_is_printed_as_json_and_kept_with_its_figure(command, tmp_path):
    folder = tmp_path / "a" / "b"
    code, out, err = command("bench", "coverage", SCORES, "--splits", "5", "--json", "--out", folder)
    assert (code, err) == (0, "")
    assert json.loads(out) == json.loads((folder / "coverage.json").read_text(encoding="utf-8"))
    assert sorted(path.name for path in folder.iterdir()) == ["coverage.json", "coverage.png"]


def test_without_json_a_person_reads_a_table_and_nothing_is_written(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = command("bench", "coverage", SCORES, "--splits", "5")
    assert code == 0
    assert not out.lstrip().startswith("{")
    assert "by sample" in out
    assert list(tmp_path.iterdir()) == []


def test_what_asking_costs_is_kept_as_a_page_too(command, tmp_path):
    code, out, err = command("bench", "consult", "--n", "1", "--delay", "0.01", "--json", "--out", tmp_path)
    assert (code, err) == (0, "")
    assert json.loads(out)["windows"] == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["consult.json", "consult.md", "consult.png"]
