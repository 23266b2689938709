"""`auricle predict` onto the screen: what goes to stdout, what to stderr, which exit code."""

import re
import shutil

import numpy as np
import pytest

from auricle import Recording, Specialist
from auricle.signals import find_recordings
from auricle.signals.simulate import sinus


def test_json_puts_one_valid_finding_per_line_on_stdout_and_nothing_else(command, findings, tiny, records):
    code, out, err = command("predict", tiny, records, "--json")
    assert code == 0
    lines = findings(out)
    assert [(line["recording"], line["window"]["index"]) for line in lines] == [
        ("r0", 0), ("r1", 0), ("r2", 0), ("r3", 0), ("r4", 0), ("r4", 1), ("r4", 2), ("r4", 3),
    ]  # fmt: skip
    assert [line["simulated"] for line in lines] == [True] * 4 + [False] * 4
    assert {line["specialist"]["hash"] for line in lines} == {Specialist.load(tiny).hash_}
    assert re.fullmatch(r"5 recordings, 8 windows: [^;\n]*\n", err)


def test_json_equals_what_python_gives(command, findings, tiny, records):
    _, out, _ = command("predict", tiny, records / "r4.npz", "--json", "--alpha", "0.2", "--evidence")
    expected = Specialist.load(tiny).findings(Recording.read(records / "r4.npz"), alpha=0.2)
    assert out.splitlines() == [finding.to_json(evidence=True) for finding in expected]
    assert all(len(line["evidence"]["values"]) == len(line["evidence"]["labels"]) for line in findings(out))


def test_text_shows_set_state_p_values_scores_and_segments(command, findings, tiny, records):
    code, out, err = command("predict", tiny, records / "r1.npz", "--alpha", "0.2")
    (finding,) = Specialist.load(tiny).findings(Recording.read(records / "r1.npz"), alpha=0.2)
    assert code == 0
    assert out.startswith(f"{finding} (simulated)\n")
    for label in finding.labels:
        mark = r"\*" if label in finding.set else " "
        p, score = finding.p_values[label], finding.scores[label]
        assert re.search(rf"^  {mark} {label} +p {p:.3f}  score +{score:.2f}", out, re.MULTILINE)
    for label, segments in finding.segments.items():
        for segment in segments:
            assert f"{segment.start:.1f} to {segment.stop:.1f} s" in out, label
    assert err.startswith("1 recording, 1 window: 1 ")


def test_uncovered_labels_are_marked_in_the_text(command, tiny, records):
    _, out, _ = command("predict", tiny, records / "r1.npz", "--alpha", "0.05")
    assert out.count("\n  ? ") == 5
    assert "  ? uncovered, in every set without a promise: N, A, O, ~\n" in out


def test_without_explanations_there_are_no_segments_and_the_rest_is_the_same(command, findings, tiny, records):
    _, out, _ = command("predict", tiny, records / "r4.npz", "--json")
    _, bare, _ = command("predict", tiny, records / "r4.npz", "--json", "--explain", "none")
    for full, short in zip(findings(out), findings(bare), strict=True):
        assert short["segments"] == {}
        assert {k: v for k, v in full.items() if k not in {"segments", "evidence_step"}} == {
            k: v for k, v in short.items() if k not in {"segments", "evidence_step"}
        }


def test_a_lead_by_name_and_by_number(command, refused, findings, tiny, tmp_path):
    wave = sinus(8.0, 300.0, seed=1).samples()[0]
    flat = np.zeros_like(wave)
    path = Recording.from_array([flat, wave], 300.0, channels=("V1", "V5"), units="mV", id="x").save(tmp_path / "x.npz")
    refused(3, r"recording x has no channel I or ECG; it has 'V1', 'V5'.*--lead 'V1'", "predict", tiny, path)
    _, named, _ = command("predict", tiny, path, "--json", "--lead", "V5")
    _, numbered, _ = command("predict", tiny, path, "--json", "--lead", "1")
    _, other, _ = command("predict", tiny, path, "--json", "--lead", "V1")
    assert named == numbered
    assert findings(named)[0]["channels"] == ["V5"]
    assert findings(other)[0]["scores"] != findings(named)[0]["scores"]
    assert findings(other)[0]["quality"]
    assert not findings(named)[0]["quality"]


def test_a_rate_and_a_unit_for_a_file_that_lacks_them(command, refused, findings, tiny, tmp_path):
    wave = sinus(8.0, 300.0, seed=1).samples()[0]
    path = tmp_path / "x.csv"
    path.write_text("ECG\n" + "\n".join(f"{1000 * v:.3f}" for v in wave) + "\n", encoding="utf-8")
    refused(3, "--fs", "predict", tiny, path)
    refused(3, "--unit", "predict", tiny, path, "--fs", "300")
    code, out, _ = command("predict", tiny, path, "--fs", "300", "--unit", "uV", "--json")
    assert code == 0
    assert findings(out)[0]["window"]["stop"] == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("nowhere", "there is no file or folder .*nowhere"),
        ("empty", "there is no recording in .*empty"),
        ("x.npz", r"x\.npz"),
        ("short.npz", "the recording lasts 1 s; at least 2 s are needed for a judgement"),
    ],
)
def test_a_recording_that_cannot_be_used_is_code_3(refused, tiny, tmp_path, given, text):
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 cut off")
    Recording.from_array(np.ones(300), 300.0, channels=("I",), units="mV").save(tmp_path / "short.npz")
    refused(3, text, "predict", tiny, tmp_path / given)


def test_a_specialist_that_is_missing_damaged_or_not_calibrated_is_code_4(refused, tiny, records, tmp_path):
    refused(4, "there is no folder 'aff'", "predict", "aff", records)
    damaged = tmp_path / "damaged"
    shutil.copytree(tiny, damaged)
    content = bytearray((damaged / "weights.safetensors").read_bytes())
    content[-1] ^= 1
    (damaged / "weights.safetensors").write_bytes(content)
    refused(4, r"weights\.safetensors changed after the specialist was saved", "predict", damaged, records)
    bare = Specialist.load(tiny)
    del bare.calibration_
    bare.save(tmp_path / "bare")
    out = tmp_path / "out.jsonl"
    refused(4, r"not calibrated; call calibrate", "predict", tmp_path / "bare", records, "--out", out)
    assert not out.exists()


def test_a_folder_with_a_bad_file_goes_on_and_ends_with_code_3(command, tiny, records, damaged):
    _, expected, _ = command("predict", tiny, records, "--json")
    code, out, err = command("predict", tiny, damaged, "--json")
    assert code == 3
    assert out == expected
    first, second = err.splitlines()
    assert first.startswith("r2[red]: ")
    assert re.fullmatch(r"6 recordings, 8 windows: .*; 1 could not be read", second)


def test_a_recording_that_disappears_is_named_and_the_others_are_judged(command, findings, tiny, damaged, monkeypatch):
    (damaged / "r2[red].hea").unlink()

    def found(*arguments, **options):
        sources = find_recordings(*arguments, **options)
        (damaged / "r3.npz").unlink()
        return sources

    monkeypatch.setattr("auricle.signals.find_recordings", found)
    code, out, err = command("predict", tiny, damaged, "--json")
    assert code == 3
    assert [line["recording"] for line in findings(out)] == ["r0", "r1", "r2", *["r4"] * 4]
    assert re.search(r"^r3: there is no file .*r3\.npz; it is missing, or it was moved away", err)
