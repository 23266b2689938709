import pytest
import torch

from auricle.errors import InputError
from auricle.network import AdditiveHead, Architecture, ConMIL, fuse
from auricle.network.fused import CHUNK, passes
from auricle.network.spectral import block_length


def plainly(network, x, lengths=None):
    with torch.inference_mode():
        additive = isinstance(network.head, AdditiveHead)
        return network(x, lengths), network.evidence(x, lengths) if additive else None


def compare(network, x, lengths=None):
    scores, evidence = plainly(network, x, lengths)
    with torch.inference_mode():
        judgement = fuse(network)(x, lengths)
    torch.testing.assert_close(judgement.scores, scores, atol=1e-4, rtol=0)
    if evidence is None:
        assert judgement.evidence is None
    else:
        torch.testing.assert_close(judgement.evidence, evidence, atol=1e-5, rtol=0)
    return scores


@pytest.mark.parametrize(("batch", "samples"), [(1, 601), (3, 240), (2, 37)])
def test_equals_the_plain_network(network, make_windows, batch, samples):
    scores = compare(network, make_windows(network, batch, samples))
    assert scores.std() > 0.05, "scores that are all alike would hide an error"


@pytest.mark.parametrize("samples", [1, 2, 7])
def test_equals_the_plain_network_on_the_shortest_windows(network, make_windows, samples):
    compare(network, make_windows(network, 2, samples))


@pytest.mark.parametrize("beyond", [-1, 0, 1, 3])
def test_equals_the_plain_network_at_the_edge_of_a_block(network, make_windows, beyond):
    instances = block_length(max(network.architecture.kernels)) + beyond
    compare(network, make_windows(network, 2, instances * network.architecture.stem_stride))


def test_rows_of_unequal_length(network, make_windows):
    x = make_windows(network, 5, 361)
    compare(network, x, torch.tensor([361, 360, 100, 100, 1]))


def test_equal_lengths_that_all_end_early(network, make_windows):
    compare(network, make_windows(network, 2, 200), torch.tensor([120, 120]))


def test_what_stands_beyond_a_row_does_not_matter(network, make_windows):
    x = make_windows(network, 2, 300)
    lengths = torch.tensor([300, 123])
    fused = fuse(network)
    with torch.inference_mode():
        before = fused(x, lengths)
        x[1, :, 123:] = torch.nan
        after = fused(x, lengths)
        alone = fused(x[1:, :, :123])
    assert torch.equal(before.scores, after.scores)
    torch.testing.assert_close(after.scores[1:], alone.scores, atol=1e-5, rtol=0)
    if after.evidence is not None:
        stop = alone.evidence.shape[2]
        torch.testing.assert_close(after.evidence[1:, :, :stop], alone.evidence, atol=1e-6, rtol=0)
        assert not after.evidence[1, :, stop:].any()


def test_evidence_and_bias_add_up_to_the_score(networks, make_windows):
    network = networks["device"]
    with torch.inference_mode():
        scores, evidence = fuse(network)(make_windows(network, 2, 900))
    torch.testing.assert_close(evidence.sum(2) + network.head.bias, scores, atol=1e-5, rtol=0)


def test_more_than_fits_one_pass(monkeypatch, networks, make_windows):
    monkeypatch.setattr("auricle.network.fused.CHUNK", 100)
    compare(networks["device"], make_windows(networks["device"], 5, 240))  # 40 instances each: 2, 2 and 1 rows


def test_input_is_left_alone(network, make_windows):
    x = make_windows(network, 2, 120)
    kept = x.clone()
    with torch.inference_mode():
        fuse(network)(x)
    assert torch.equal(x, kept)


def test_the_copy_is_independent(make_windows):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = ConMIL(Architecture(channels=1, classes=2, kernels=(3,), blocks=1, modules=1, heads=4)).eval()
    x = make_windows(network, 1, 50)
    fused = fuse(network)
    with torch.no_grad():
        before = fused(x).scores
        for parameter in network.parameters():
            parameter.add_(1.0)
        assert torch.equal(fused(x).scores, before)
    assert not [name for name, p in fused.named_parameters() if p.requires_grad]


def test_a_copy_made_in_inference_mode_works_outside_of_it(networks, make_windows):
    with torch.inference_mode():
        fused = fuse(networks["device"])
    x = make_windows(networks["device"], 1, 60).requires_grad_()
    fused(x).scores.sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0


@pytest.mark.parametrize("lengths", [[300], [300, 0], [301, 2], [1, 2, 3]])
def test_lengths_that_do_not_fit(lengths):
    with pytest.raises(InputError) as caught:
        list(passes(300, lengths, batch=2, stride=1))
    assert str(caught.value) == (
        f"lengths {lengths} were given for 2 windows of 300 samples; one length per window is needed, from 1 to 300"
    )


def test_windows_without_samples():
    with pytest.raises(InputError, match="windows without samples were given; at least one sample per window"):
        list(passes(0, None, batch=1, stride=1))


def test_every_row_runs_once_in_passes_that_fit():
    lengths = [3000, 600, 3000, 600, 3000, 10_000]
    found = list(passes(10_000, lengths, batch=6, stride=1))
    assert sorted(row for rows, _ in found for row in rows) == list(range(6))
    assert all(lengths[row] == length for rows, length in found for row in rows)
    assert all(len(rows) == 1 or len(rows) * length <= CHUNK for rows, length in found)
