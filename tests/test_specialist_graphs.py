"""ONNX Runtime behind the estimator: the same sets as torch, a graph made once, and never one of another network."""

import sys

import numpy as np
import pytest
import torch

from auricle import Specialist
from auricle.errors import MissingExtraError, SpecialistError
from auricle.network import Architecture, ConMIL
from auricle.specialist import graphs
from auricle.training import TrainingSettings

SHAPE = Architecture(kernels=(3, 5), blocks=1, modules=1, heads=4, stem_stride=6)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Give a cache that is the test's own, and not there yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "auricle"


def network(seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ConMIL(SHAPE).eval()


def waves(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    return (rng.normal(size=(n, 1, 300)) + 3 * y[:, None, None] * np.sin(np.arange(300))).astype(np.float32), y


@pytest.fixture(scope="module")
def fitted():
    judge = Specialist(architecture=SHAPE, training=TrainingSettings(epochs=2, batch=16, lr=1e-2), backend="torch")
    return judge.fit(*waves(60, 0)).calibrate(*waves(60, 1))


@pytest.fixture(scope="module")
def with_graph(fitted, tmp_path_factory):
    """Give a folder that holds the graph, and its bytes."""
    for name in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(name, reason="the extra onnx is not installed")
    folder = tmp_path_factory.mktemp("graph") / "s"
    fitted.save(folder, graph=True)
    return folder, (folder / "network.onnx").read_bytes()


@pytest.fixture
def plain(fitted, with_graph, tmp_path):
    """Give the same specialist without its graph."""
    judge = Specialist.load(with_graph[0])
    judge._graph = None
    judge.save(tmp_path / "plain")
    return tmp_path / "plain"


def test_onnx_runtime_judges_as_torch_does(with_graph):
    folder, _ = with_graph
    by_torch, by_onnx = Specialist.load(folder, backend="torch"), Specialist.load(folder)
    assert (by_torch.runtime, by_onnx.runtime) == ("torch", "onnxruntime")
    x, _ = waves(50, 2)
    scores = by_torch.scores(x)
    np.testing.assert_allclose(by_onnx.scores(x), scores, atol=1e-4)
    thresholds = np.array([*by_torch.calibration_.thresholds(0.1).values()])
    same = by_onnx.predict_set(x).member == by_torch.predict_set(x).member
    assert (same | (np.abs(scores - thresholds) < 1e-4)).all()


def test_a_changed_graph_in_the_folder_is_refused(with_graph, tmp_path):
    _, graph = with_graph
    Specialist.load(with_graph[0]).save(tmp_path / "s")
    (tmp_path / "s" / "network.onnx").write_bytes(graph[:-1] + bytes([graph[-1] ^ 1]))
    with pytest.raises(SpecialistError, match=r"network\.onnx changed after the specialist was saved"):
        Specialist.load(tmp_path / "s")


@pytest.mark.parametrize(
    ("graph", "text"),
    [
        (b"junk", r"graph for ONNX Runtime can't be run: .*; remove it and export it anew"),
        (None, r"graph for ONNX Runtime is that of another network; remove it and export it anew"),
    ],
)
def test_a_graph_that_is_not_the_networks_judges_nothing(with_graph, tmp_path, graph, text):
    judge = Specialist.load(with_graph[0])
    judge._graph = graph or with_graph[1]
    with torch.no_grad():
        judge.network_.head.bias += 0.1
    judge.save(tmp_path / "s")
    with pytest.raises(SpecialistError, match=text) as caught:
        Specialist.load(tmp_path / "s").scores(waves(1, 0)[0])
    assert "\n" not in str(caught.value)
    assert Specialist.load(tmp_path / "s", backend="torch").runtime == "torch"


def test_a_graph_is_made_once_and_auto_takes_it_from_then_on(plain, with_graph, monkeypatch, cache):
    made = []

    def counted(network):
        made.append(network)
        return with_graph[1]

    monkeypatch.setattr("auricle.specialist.engine.to_onnx", counted)
    assert Specialist.load(plain).runtime == "torch"
    assert not cache.exists()
    assert Specialist.load(plain, backend="onnxruntime").runtime == "onnxruntime"
    assert Specialist.load(plain, backend="onnxruntime").runtime == "onnxruntime"
    assert Specialist.load(plain).runtime == "onnxruntime"
    assert Specialist.load(plain, backend="torch").runtime == "torch"
    assert len(made) == 1
    assert [path.read_bytes() for path in cache.iterdir()] == [with_graph[1]]


def test_a_specialist_calibrated_anew_keeps_its_graph_and_one_trained_anew_does_not(plain, with_graph):
    judge = Specialist.load(plain)
    graphs.keep(judge.network_, with_graph[1])
    assert judge.calibrate(*waves(40, 3)).runtime == "onnxruntime"
    assert judge.fit(*waves(40, 4)).runtime == "torch"


def test_only_the_graph_of_the_same_architecture_and_weights_is_recalled(cache):
    path = graphs.keep(network(), b"graph")
    assert path.parent == cache
    assert graphs.recall(network()) == b"graph"
    assert graphs.recall(network(seed=1)) is None
    changed = network()
    with torch.no_grad():
        changed.head.bias[0] += 1e-6
    assert graphs.recall(changed) is None


def test_a_damaged_graph_is_not_recalled_and_a_sound_one_beside_it_is():
    path = graphs.keep(network(), b"graph")
    path.write_bytes(b"grapg")
    assert graphs.recall(network()) is None
    graphs.keep(network(), b"other")
    assert graphs.recall(network()) == b"other"


def test_a_cache_that_cannot_be_written_is_no_failure(cache, monkeypatch):
    cache.parent.write_bytes(b"a file where the folder should be")
    assert graphs.keep(network(), b"graph") is None
    assert graphs.recall(network()) is None
    cache.parent.unlink()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("auricle.specialist.graphs.os.fsync", full)
    assert graphs.keep(network(), b"graph") is None
    assert list(cache.iterdir()) == []


def test_without_the_extra_auto_is_torch_and_onnxruntime_says_how_to_get_it(plain, monkeypatch):
    for name in ("onnx", "onnxruntime", "onnxscript"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("auricle.specialist.engine.runnable", lambda: False)
    assert Specialist.load(plain).runtime == "torch"
    with pytest.raises(MissingExtraError, match=r"pip install 'auricle\[onnx\]'"):
        Specialist.load(plain, backend="onnxruntime").predict(waves(1, 0)[0])


def test_the_cache_lies_in_the_home_of_a_user_who_names_no_other_place(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert graphs.cache_folder() == tmp_path / ".cache" / "auricle"
