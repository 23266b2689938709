import json
import subprocess
import sys

import pytest
import torch
from torch import nn

from auricle.bench import timing, zeroth
from auricle.bench.zeroth import ledgers, memory, models, passes, steps
from auricle.bench.zeroth.arms import ARMS, stepper
from auricle.errors import AuricleError, InputError, MissingExtraError


def tiny(name="tiny"):
    torch_generator = torch.Generator().manual_seed(0)
    x = torch.randn(16, 6, generator=torch_generator)
    network = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2)).eval()
    return models._timed(name, "a tiny network", network, x)


def test_pairs_alternate_and_all_rounds_are_run():
    called = []
    pairs = {
        "a": (lambda: called.append("a0"), lambda: called.append("a1")),
        "b": (lambda: called.append("b0"), lambda: called.append("b1")),
    }
    found = timing.paired(pairs, {"a": 4, "b": 2}, done=lambda: None)
    assert {name: len(times) for name, times in found.items()} == {"a": 4, "b": 2}
    timed = called[2:]
    assert all(
        timed[i][0] == timed[i + 1][0] and timed[i][1] + timed[i + 1][1] == "01" for i in range(0, len(timed), 2)
    )


@pytest.mark.usefixtures("one_thread")
def test_steps_of_every_arm():
    timed = tiny()
    before = [weight.clone() for weight in timed.weights]
    found = steps.time_steps(timed, ARMS, rounds=3, rare=2)
    assert set(found) == set(ARMS)
    for one in found.values():
        assert 0 < one["low"] <= one["median"] <= one["high"]
        assert one["median"] > 0.5
        assert one["seconds"] > 0
    assert all(torch.equal(a, b) for a, b in zip(before, timed.weights, strict=True))


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_evaluates_the_loss_twice_a_step(arm):
    timed, calls = tiny(), 0

    def closure():
        nonlocal calls
        calls += 1
        return timed.closure()

    optimizer = stepper(arm, timed.weights, lr=1e-3)
    before = [weight.detach().clone() for weight in timed.weights]
    for _ in range(3):
        optimizer.step(closure)
    optimizer.settle()
    assert calls == 6
    assert any(not torch.equal(a, b) for a, b in zip(before, timed.weights, strict=True))


@pytest.mark.usefixtures("one_thread")
def test_passes_of_every_arm():
    found = passes.time_passes(ARMS, weights=300_000, rounds=3)
    assert set(found) == set(ARMS)
    assert found["mezo"]["median"] > found["pool"]["median"]


def test_ledger():
    found = ledgers.measure(weights=50_000, steps=600, rounds=1)
    assert 2 < found["bytes_per_step"] < 3
    assert found["replay_over_pass"] > 0
    assert ledgers.scalars_per_step() == 1


PEAKS = """
import torch
from auricle.bench.zeroth import memory

def more():
    kept = torch.ones(4_000_000)
    return memory.peak() + 0 * int(kept[0])

print(memory.forked(memory.peak), memory.forked(more), memory.forked(memory.peak))
"""


def test_peak_memory_is_the_forked_process_own():
    # In a process of its own: this one may hold freed memory that a fork would fill without growing.
    ran = subprocess.run([sys.executable, "-c", PEAKS], capture_output=True, text=True, check=True)
    before, grown, after = map(int, ran.stdout.split())
    assert 12e6 < grown - before < 24e6
    assert after < before + 4e6


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_measuring_process_that_fails_is_reported(capfd):
    def fail():
        raise InputError("nothing to measure")

    with pytest.raises(AuricleError, match="a measuring process ended with 1"):
        memory.forked(fail)
    assert "nothing to measure" in capfd.readouterr().err


def test_models_that_need_a_package_name_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    able, lacking = models.available()
    assert able == ["conmil_1", "conmil_8"]
    assert {one["model"] for one in lacking} == {"minilm", "roberta_base"}
    assert "pip install" in lacking[1]["reason"]
    with pytest.raises(MissingExtraError, match=r"pip install 'auricle\[huggingface\]'"):
        models.build("roberta_base")
    with pytest.raises(InputError, match="a model 'gpt' was asked for; allowed are minilm, roberta_base"):
        models.build("gpt")


@pytest.fixture(scope="module")
def result():
    """A quick run on tiny networks: everything but the sizes is real."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zeroth, "available", lambda names: (list(names), []))
        patch.setattr(zeroth, "build", tiny)
        timed, measured = passes.time_passes, ledgers.measure
        patch.setattr(passes, "time_passes", lambda arms, **more: timed(arms, **more | {"weights": 200_000}))
        patch.setattr(ledgers, "measure", lambda **more: measured(**more | {"weights": 200_000, "steps": 600}))
        patch.setattr(memory, "over_inference", fake_memory)
        return zeroth.run(quick=True)


def fake_memory(able, arms, *, repeats):
    found = {name: {"inference": 100.0, "weights": 10.0, "arms": dict.fromkeys(arms, 0.05)} for name in able}
    return {"torch_optim_mb": 70.0, **found}


def test_shape_of_the_result(result):
    """As issue 3 promises it."""
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert set(result["step_over_two_forwards"]) == {"minilm", "roberta_base", "conmil_1", "conmil_8"}
    for arms in result["step_over_two_forwards"].values():
        assert {"mezo", "pool", "pool_ledger"} <= set(arms) <= set(ARMS)
        assert all(isinstance(value, float) for value in arms.values())
    assert set(result["pass_over_scale"]) == set(ARMS)
    assert {"mezo", "pool", "pool_ledger"} <= set(result["memory_over_inference_mb"]["minilm"])
    assert {"bytes_per_step", "replay_over_pass"} <= set(result["ledger"])
    for arms in result["convergence"].values():
        assert all({"metric", "low", "high"} <= set(one) for one in arms.values())


def test_musts_say_what_was_reached(result):
    musts = {one["what"]: one for one in result["musts"]}
    assert len(musts) == 4 * 2 + 1 + 2 * 2 + 1
    one = musts["memory, minilm, pool"]
    assert one["must"] == pytest.approx(0.1655, abs=1e-3)
    assert one["met"]
    assert all(one["met"] == (one["value"] <= one["must"]) for one in musts.values())


def test_page_and_figure(result, tmp_path):
    page = zeroth.markdown(result)
    assert "MiniLM" in page
    assert "## Missed" in page
    zeroth.figure(result, tmp_path / "zeroth.png")
    assert (tmp_path / "zeroth.png").read_bytes().startswith(b"\x89PNG")


def test_wrong_use():
    with pytest.raises(InputError, match="threads=0 was given; at least 1 is needed"):
        zeroth.run(quick=True, threads=0)
    with pytest.raises(InputError, match="convergence needs a folder of data and one for its results"):
        zeroth.run()


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"tasks": ["mnist"]}, "a task 'mnist' was asked for; allowed are trec, sst2, shifted"),
        ({"models": ["gpt"]}, "a model 'gpt' was asked for; allowed are minilm, roberta_base"),
        ({"training_steps": 1}, "steps=1 and seeds=5 were given; at least 10 and 2 are needed"),
        ({"workers": 0}, "workers=0 was given; at least 1 is needed"),
    ],
)
def test_wrong_use_is_refused_before_anything_is_measured(tmp_path, monkeypatch, asked, text):
    monkeypatch.setattr(zeroth, "available", lambda _: pytest.fail("it began to measure"))
    with pytest.raises(InputError, match=f"^{text}"):
        zeroth.run(data=tmp_path, results=tmp_path, **asked)
