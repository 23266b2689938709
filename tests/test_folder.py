"""A specialist's folder whose checksums are right and whose content is not: refused in one sentence, never judged."""

import hashlib
import json
import os
import re
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from auricle import Recording, Specialist
from auricle.errors import InputError, SpecialistError
from auricle.folder import check
from auricle.signals.simulate import sinus

FILES = ("specialist.json", "weights.safetensors", "card.md")


@pytest.fixture
def place(made, tmp_path):
    shutil.copytree(made.specialist, tmp_path / "s")
    return tmp_path / "s"


def seal(folder):
    """Write the checksums anew, as somebody does who changed a file on purpose."""
    names = [*FILES, *(["network.onnx"] if (folder / "network.onnx").exists() else [])]
    sums = "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (folder / "SHA256SUMS").write_text(sums, encoding="utf-8")


def refused(folder, text):
    seal(folder)
    with pytest.raises(SpecialistError, match=text) as caught:
        Specialist.load(folder)
    assert "\n" not in str(caught.value)
    assert "http" not in str(caught.value)


def edit(folder, change):
    path = folder / "specialist.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def test_the_same_content_sealed_anew_is_the_same_specialist(place, made):
    edit(place, dict)
    seal(place)
    anew, before = Specialist.load(place), Specialist.load(made.specialist)
    x = sinus(8.0, 60.0, seed=1).samples()[None]
    np.testing.assert_array_equal(anew.scores(x), before.scores(x))
    assert anew.calibration_.to_dict() == before.calibration_.to_dict()


def swap(manifest):
    for key in ("labels", "scores"):
        manifest["calibration"][key] = [manifest["calibration"][key][i] for i in (1, 0, 2, 3)]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda m: m["labels"][1].update(label="N"), "labels names N more than once"),
        (lambda m: m["labels"].pop(), "labels names 3 classes, and the architecture has 4"),
        (lambda m: m["labels"].append({"label": "B"}), "labels names 5 classes, and the architecture has 4"),
        (swap, "the calibration is of A, N, O, ~ in this order, and the labels are N, A, O, ~"),
        (lambda m: m["labels"].reverse(), "the calibration is of N, A, O, ~ in this order, and the labels are ~, O, A"),
        (lambda m: m["scored"].append("Q"), "scored names Q; the labels are N, A, O, ~"),
        (lambda m: m["calibration"]["labels"].append("N"), "each label must occur once; 'N' occurs more often"),
        (lambda m: m["calibration"]["scores"].pop(), "needs one list of scores a label, 4; got 3"),
        (lambda m: m.update(calibration={}), "a saved calibration has the keys"),
        (lambda m: m["architecture"].update(classes=5), "labels names 4 classes, and the architecture has 5"),
        (lambda m: m["architecture"].update(stem_stride=1.5), "architecture: stem_stride: .* given was 1.5"),
        (lambda m: m["architecture"].update(kernels=["a"]), "architecture: kernels.0: .* given was 'a'"),
        (lambda m: m["architecture"].update(depth=3), "architecture has an unknown entry depth"),
        (lambda m: m["architecture"].update(heads=7), r"architecture: heads=7 was given; it must divide the width"),
        (lambda m: m["architecture"].update(stem_stride=10**9 + 7), "more than the longest window's 1200"),
        (lambda m: m["preprocessing"].pop("fs"), "preprocessing: fs: Field required"),
        (lambda m: m["training"].update(epochs=0), "training: epochs=0 was given; at least 1 is needed"),
        (lambda m: m.update(log=[{"epoch": 1}]), "missing 3 required"),
    ],
)
def test_parts_that_are_not_of_one_another_are_refused_at_once(place, change, text):
    edit(place, change)
    refused(place, rf"s: specialist\.json doesn't fit together \(.*{text}.*\); copy the folder again$")


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ({"kernels": [3, 10**12]}, r"weight is float32 \(32, 32, 5\), and float32 \(32, 32, 1000000000000\) is needed"),
        ({"kernels": [3, 2**62]}, "Storage size calculation overflowed"),
        ({"kernels": [3, 2**70]}, "Overflow when unpacking"),
        ({"blocks": 10**9}, r"it has at least 2000000000 convolutions"),
        ({"channels": 10**12}, r"stem.* is needed"),
    ],
)
def test_an_architecture_beyond_all_memory_is_refused_at_once(place, shape, text):
    edit(place, lambda manifest: manifest["architecture"].update(shape))
    refused(place, f"weights don't fit the architecture in specialist.json: .*({text})")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda name, value: {name: value.fill_(np.nan)}, "holds numbers that are NaN or infinite ({name})"),
        (lambda name, value: {name: value.fill_(-np.inf)}, "holds numbers that are NaN or infinite ({name})"),
        (lambda *_: {}, "{name} is missing; copy both files of the same specialist again"),
        (lambda name, value: {name: value, "more": value}, "more is unknown; copy"),
        (lambda name, value: {name: value.half()}, "{name} is float16 (4,), and float32 (4,) is needed; copy"),
        (lambda name, value: {name: value[:3]}, "{name} is float32 (3,), and float32 (4,) is needed; copy"),
    ],
)
def test_weights_that_could_not_judge_are_refused(place, change, text):
    path = place / "weights.safetensors"
    weights, name = load(path.read_bytes()), "head.bias"
    changed = change(name, weights.pop(name).clone())
    path.write_bytes(save(weights | {key: value.clone() for key, value in changed.items()}))
    refused(place, re.escape(text.format(name=name)))


def test_a_count_that_inference_never_reads_belongs_to_the_weights_all_the_same(place):
    path = place / "weights.safetensors"
    weights = load(path.read_bytes())
    del weights[next(name for name in weights if name.endswith("num_batches_tracked"))]
    path.write_bytes(save(weights))
    refused(place, r"num_batches_tracked is missing; copy both files")


@pytest.mark.parametrize(
    ("file", "content", "text"),
    [
        ("specialist.json", b"{", r"specialist\.json: Invalid JSON: "),
        ("specialist.json", b"[]", r"specialist\.json: Input should be an object"),
        ("specialist.json", b'{"name": 3}', r"specialist\.json: name: Input should be a valid string; given was 3"),
        ("weights.safetensors", b"", r"weights\.safetensors: "),
        ("weights.safetensors", b"\xff" * 100, r"weights\.safetensors: "),
        ("card.md", b"# caf\xe9", r"card\.md: it is no UTF-8 text \(.* at byte 5\)"),
    ],
)
def test_a_file_that_is_something_else_is_named_in_one_line(place, file, content, text):
    (place / file).write_bytes(content)
    refused(place, rf"s: not a specialist of format auricle\.specialist/1: {text}.*\. Copy the folder again, or save")


@pytest.mark.parametrize("file", ["weights.safetensors", "card.md", "SHA256SUMS", "network.onnx"])
def test_a_pipe_is_not_waited_for(place, file):
    (place / file).unlink(missing_ok=True)
    os.mkfifo(place / file)
    with pytest.raises(
        SpecialistError, match=rf"{file} is no ordinary file .*; the specialist is incomplete, copy its"
    ):
        check(place)


def test_labels_of_another_specialist_are_refused_when_it_is_saved(made, tmp_path):
    judge = Specialist.load(made.specialist)
    with pytest.raises(InputError, match="labels names 2 classes, and the architecture has 4"):
        judge.save(tmp_path / "x", labels=[{"label": "N"}, {"label": "A"}])
    with pytest.raises(
        InputError, match=r"can't stand in a specialist's specialist\.json: name: Input .*; given was 3$"
    ):
        judge.save(tmp_path / "x", name=3)
    assert list(tmp_path.iterdir()) == []


def test_loading_draws_no_random_number(made):
    before = torch.random.get_rng_state()
    Specialist.load(made.specialist)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_finding_says_what_was_assumed_while_reading(made, tmp_path):
    judge = Specialist.load(made.specialist)
    recording = sinus(8.0, 300.0, seed=1)
    digital = np.round(200 * recording.samples()[0]).astype("<i2")
    (tmp_path / "r.dat").write_bytes(digital.tobytes())
    (tmp_path / "r.hea").write_text(f"r 1 300 {len(digital)}\nr.dat 16 0 16 0 0 0 0 ECG\n", encoding="utf-8")
    (finding,) = judge.findings(Recording.read(tmp_path / "r.hea"), explain=False)
    assert finding.notes
    assert "200" in finding.notes[0]
    assert next(judge.findings(recording.samples()[None], explain=False)).notes == ()


def test_a_recording_of_too_many_channels_is_refused_in_words(made):
    judge = Specialist.load(made.specialist)
    samples = np.repeat(sinus(8.0, 300.0, seed=1).samples(), 2, axis=0)
    two = Recording.from_array(samples, 300.0, channels=("I", "II"), units="mV", id="x")
    with pytest.raises(
        InputError, match=r"2 channels of recording x were chosen, and the specialist judges 1; it has to"
    ):
        next(judge.findings(two, leads=(("I",), ("II",))))
