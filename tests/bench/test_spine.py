import json
import sys
from io import StringIO

import numpy as np
import pytest
import torch
from rich.console import Console

from auricle.bench import spine
from auricle.errors import InputError


@pytest.fixture(scope="module")
def result():
    return spine.run(repeats=2, batches=(1, 2), threads=1)


def test_result_is_json(result):
    assert json.loads(json.dumps(result)) == result


def test_every_way_at_every_batch(result):
    ran = {name for name in spine.MUST if name not in {missing["name"] for missing in result["skipped"]}}
    assert {(e["name"], e["batch"]) for e in result["entries"]} == {(name, batch) for name in ran for batch in (1, 2)}
    assert {"stride 1, torch", "shipped, torch"} <= ran


def test_scores_agree(result):
    assert all(entry["difference"] < 1e-4 for entry in result["entries"])


def test_shipped_network_is_faster_than_the_plain_form(result):
    shipped = [entry for entry in result["entries"] if entry["name"] == "shipped, torch"]
    assert all(entry["ratio"]["high"] > 1 for entry in shipped)


def test_ratios_are_of_windows_per_second_at_the_same_batch():
    seconds = {("plain", 1): [2.0, 4.0, 2.0], ("plain", 4): [6.0] * 3, ("stride 1, torch", 1): [1.0, 1.0, 0.5],
               ("stride 1, torch", 4): [4.0] * 3}  # fmt: skip
    timed = {key: {"seconds": value, "difference": 0.0} for key, value in seconds.items()}
    found = spine._summary(timed, (1, 4))
    one, four = found["entries"]
    assert one["ratio"] == {"median": 4.0, "low": 3.0, "high": 4.0}
    assert one["met"]
    assert four["ratio"]["median"] == 1.5
    assert not four["met"]
    assert found["plain"]["4"]["windows_per_second"] == pytest.approx(4 / 6)
    assert found["best"]["stride 1, torch"] == {"batch": 1, "plain_batch": 4, "ratio": pytest.approx(1.5)}


def test_threads_are_put_back_and_seeds_left_alone():
    before, state = torch.get_num_threads(), torch.random.get_rng_state()
    spine._random(spine.SHIPPED, 1)
    with pytest.raises(
        InputError, match="repeats=0, threads=1 and batches=\\(1, 8, 16\\) were given; each must be at least 1"
    ):
        spine.run(repeats=0)
    assert torch.get_num_threads() == before
    assert torch.equal(torch.random.get_rng_state(), state)


def test_without_onnx_runtime(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setitem(sys.modules, "onnx", None)
    ways, skipped = spine._ways(0, 1, None)
    assert [way.name for way in ways] == ["plain", "stride 1, torch", "shipped, torch"]
    assert [missing["name"] for missing in skipped] == ["stride 1, ONNX Runtime", "shipped, ONNX Runtime"]
    assert all("pip install 'auricle[onnx]'" in missing["reason"] for missing in skipped)


def test_table_and_figure(result, tmp_path):
    console = Console(width=140, record=True, file=StringIO())
    console.print(spine.table(result))
    text = console.export_text()
    assert all(entry["name"] in text for entry in result["entries"])
    spine.figure(result, tmp_path / "spine.png")
    assert (tmp_path / "spine.png").read_bytes().startswith(b"\x89PNG")
    assert np.isfinite([entry["ratio"]["median"] for entry in result["entries"]]).all()
