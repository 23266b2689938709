"""Ctrl-C and other failures in the middle of a pass over the weights."""

import signal
import threading

import numpy as np
import pytest
import torch

from auricle.errors import InputError
from auricle.zeroth import Ledger, LfsrBank, ZerothOrder, replay
from auricle.zeroth.interrupts import held_back

TEXT = "^a pass over the weights broke off half-way, so that some stand perturbed and some do not; load the weights ag"


@pytest.fixture(autouse=True)
def interrupts():
    """Let Ctrl-C interrupt also where the tests run in the background, where a shell has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Linear(5, 9), torch.nn.Tanh(), torch.nn.Linear(9, 1))


def loss_of(net):
    x = torch.randn(16, 5, generator=torch.Generator().manual_seed(1))
    return lambda: (net(x) - x[:, :1]).square().mean()


def arrays(net):
    return [p.detach().numpy().copy() for p in net.parameters()]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def interfere(optimizer, call, what):
    """Let something happen when the numbers of the `call`-th tensor are made; all passes count."""
    optimizer._begin()
    one, calls = optimizer._blocks[0].adders[0], []
    real = one._numbers

    def numbers(*where):
        calls.append(where)
        if len(calls) == call:
            what()
        return real(*where)

    one._numbers = numbers


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("call", range(1, 13))
def test_ctrl_c_within_a_pass_waits_until_the_weights_are_whole(tmp_path, call, merge):
    """Four tensors: calls 1 to 4 perturb, 5 to 8 go to the other side, 9 to 12 back and take the step."""
    net, path = network(), tmp_path / "run"
    base = arrays(net)
    optimizer = ZerothOrder(net.parameters(), lr=0.05, perturbation=LfsrBank(), ledger=path, merge=merge)
    begin = arrays(net)
    interfere(optimizer, call, lambda: signal.raise_signal(signal.SIGINT))
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        optimizer.step(loss_of(net))
    assert signal.getsignal(signal.SIGINT) is handler
    taken = int(call > 8)
    assert optimizer.steps == optimizer.ledger.steps == taken
    assert same(begin, arrays(net)) == (not taken)
    optimizer.step(loss_of(net))
    optimizer.close()
    with Ledger.open(path) as ledger:
        assert ledger.steps == taken + 1
        assert same(replay(base, ledger), arrays(net))


@pytest.mark.parametrize("call", [2, 7, 10])
def test_a_pass_that_breaks_off_is_told_and_no_further_step_is_taken(tmp_path, call):
    net, path = network(), tmp_path / "run"
    base = arrays(net)
    optimizer = ZerothOrder(net.parameters(), lr=0.05, perturbation=LfsrBank(), ledger=path)

    def fail():
        raise MemoryError("no more")

    interfere(optimizer, call, fail)
    with pytest.raises(MemoryError) as caught:
        optimizer.step(loss_of(net))
    assert any(note.startswith(TEXT[1:]) for note in caught.value.__notes__)
    for use in (lambda: optimizer.step(loss_of(net)), optimizer.settle, optimizer.state_dict):
        with pytest.raises(InputError, match=TEXT):
            use()
    with pytest.raises(InputError, match=TEXT):
        optimizer.close()
    # The ledger lost nothing: base and file lead to its last step.
    again = network()
    second = ZerothOrder(again.parameters(), lr=0.05, perturbation=LfsrBank(), ledger=path)
    assert second.steps == int(call > 8)
    second.close()
    assert same(replay(base, Ledger.open(path)), arrays(again))


def test_an_interrupt_that_waited_comes_with_the_error_that_happened_meanwhile():
    def fail():
        signal.raise_signal(signal.SIGINT)
        raise ZeroDivisionError

    with pytest.raises(KeyboardInterrupt) as caught, held_back():
        fail()
    assert isinstance(caught.value.__context__, ZeroDivisionError)


def test_an_interrupt_waits_for_the_outermost():
    done = []

    def work():
        with held_back():
            signal.raise_signal(signal.SIGINT)
        done.append(True)

    with pytest.raises(KeyboardInterrupt), held_back():
        work()
    assert done


def test_another_thread_is_left_alone():
    done = []

    def work():
        with held_back():
            done.append(signal.getsignal(signal.SIGINT))

    handler = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [handler]
