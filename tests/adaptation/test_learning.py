"""Forward-only training of one attempt: how far it goes, when it ends, and that a stopped one goes on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from auricle.adaptation.learning import Examples, Lesson, distances, learn, movable, rate, ready
from auricle.errors import InputError
from auricle.training import binary_loss
from waves import TIME, patient_windows, plan


def lesson(specialist, seed=0, rehearsal=True):
    x, y, _ = patient_windows()
    columns = (y == "V").astype(np.int64)
    own = Examples(list(x[:100]), columns[:100])
    return Lesson(own, Examples(list(x[100:140]), columns[100:140]) if rehearsal else None, 16, seed)


def test_forward_passes_lower_the_loss(specialist):
    task = lesson(specialist)
    made = learn(specialist.network_, task, plan(most_steps=120, most_distance=5.0, most_change=5.0).description)

    def loss(network):
        with torch.no_grad():
            return np.mean([float(task.closure(network, 1000 + i)()) for i in range(8)])

    assert loss(made.network) < 0.9 * loss(specialist.network_)
    assert made.forwards == 240
    assert not made.stopped


def test_training_stops_before_it_goes_too_far(specialist):
    description = plan(most_steps=100, lr=1e-2, most_distance=0.02).description
    made = learn(specialist.network_, lesson(specialist), description)
    assert made.distance <= 0.02
    assert made.steps % 20 == 0
    assert "the plan allows 0.02" in made.stopped


@pytest.fixture(scope="module")
def far(specialist):
    """Give a plan whose first look at the distance passes and whose second does not, and what it comes to."""
    free = {"most_steps": 60, "lr": 3e-3}
    most = 0.9 * learn(specialist.network_, lesson(specialist), plan(**free).description).distance
    description = plan(**free, most_distance=most).description
    unbroken = learn(specialist.network_, lesson(specialist), description)
    assert "went back to step 20" in unbroken.stopped
    return description, unbroken


@pytest.mark.parametrize("at", [20, 30, 40])
def test_a_stopped_training_ends_where_an_unbroken_one_does(specialist, far, tmp_path, at):
    """Stopped at a look that passes, after it, and at the one that does not: the weights go back to the same step."""
    (description, unbroken), task, path = far, lesson(specialist), tmp_path / "ledger"

    def stop(done, _):
        if done == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(specialist.network_, task, description, ledger=path, on_step=stop)
    again = learn(specialist.network_, task, description, ledger=path)
    assert (again.steps, again.distance, again.stopped) == (unbroken.steps, unbroken.distance, unbroken.stopped)


def test_training_that_runs_away_goes_back(specialist):
    made = learn(specialist.network_, lesson(specialist), plan(lr=1e4, most_distance=5.0, most_change=9.0).description)
    assert made.steps == 0
    assert "Training ran away and went back to step 0" in made.stopped
    assert made.distance < 1e-5


def test_small_is_norms_tokens_and_head(specialist):
    small = set(movable(specialist.network_, "small"))
    everything = set(movable(specialist.network_, "all"))
    assert small < everything
    assert any("tokens" in name for name in small)
    assert any("norm" in name for name in small)
    assert not any(name.startswith("encoder") and name.endswith("conv.weight") for name in small)
    network, moving = ready(specialist.network_, "small")
    assert {name for name, w in network.named_parameters() if w.requires_grad} == small == set(moving)
    assert distances(moving, specialist.network_) == (0.0, 0.0)


def test_batches_depend_on_seed_and_step_alone(specialist):
    one, other = lesson(specialist), lesson(specialist)
    assert torch.equal(one.at(3)[0], other.at(3)[0])
    assert not torch.equal(one.at(3)[0], one.at(4)[0])
    assert not torch.equal(one.at(3)[0], lesson(specialist, seed=1).at(3)[0])
    x, lengths, labels = lesson(specialist, rehearsal=False).at(0)
    assert x.shape == (16, 1, TIME)
    assert lengths is None
    assert labels.shape == (16,)


def test_the_rate_falls_to_nothing():
    description = plan(most_steps=10).description
    assert rate(description, 0) == description.lr
    assert rate(description, 9) == pytest.approx(description.lr / 10)


def test_nothing_to_learn_from(specialist):
    empty = replace(lesson(specialist), personal=Examples([], np.zeros(0, np.int64)))
    with pytest.raises(InputError, match="there is no window to learn from"):
        learn(specialist.network_, empty, plan().description)


def test_loss_is_what_training_minimises():
    scores = torch.tensor([[2.0, -2.0], [0.0, 0.0]])
    expected = torch.nn.functional.binary_cross_entropy_with_logits(scores, torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    assert binary_loss(scores, torch.tensor([0, 1]), 0.0) == expected
