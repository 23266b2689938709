"""From labelled recordings to a specialist: train, calibrate, evaluate; and the demonstration."""

import json
import re
import shutil

import numpy as np
import pytest

from auricle import Specialist

FULL = OSError(28, "No space left on device")


def test_train_follows_the_recipe(command, made, tmp_path, monkeypatch):
    monkeypatch.setenv("AURICLE_DATA", str(made.data))
    for name in ("tiny.toml", "tiny.split.json"):
        shutil.copy(made.recipe.with_name(name), tmp_path)
    code, out, err = command("train", tmp_path / "tiny.toml", "--out", tmp_path / "tiny", "--json")
    assert code == 0
    assert json.loads(out) == made.result
    assert len(re.findall(r"^epoch \d: loss [\d.]+, validation loss [\d.]+, macro F1 [\d.]+$", err, re.MULTILINE)) == 3
    assert Specialist.load(tmp_path / "tiny").hash_ == Specialist.load(made.specialist).hash_


def test_train_says_what_it_lacks(refused, made, tmp_path, monkeypatch):
    monkeypatch.delenv("AURICLE_DATA", raising=False)
    refused(3, "give --data FOLDER, or set the environment variable AURICLE_DATA", "train", made.recipe)
    refused(3, "can't be read: No such file", "train", tmp_path / "x.toml", "--data", made.data)
    refused(
        3, "device 'warp' can't be used",
        "train", made.recipe, "--data", made.data, "--device", "warp", "--out", tmp_path / "x",
    )  # fmt: skip


def test_evaluate_reads_the_test_part_and_finds_what_training_found(command, made, tiny):
    code, out, _ = command("evaluate", tiny, made.data / "packed.npz", "--json")
    assert code == 0
    result = json.loads(out)
    faithful, expected = result.pop("faithfulness"), dict(made.result)
    assert faithful["curve"]["top"] == pytest.approx(expected.pop("faithfulness")["curve"]["top"], abs=1e-4)
    assert result == expected
    code, out, _ = command("evaluate", tiny, made.data / "packed.npz", "--faithful", "0")
    assert out.startswith("20 windows of 20 recordings\nmacro F1 over N, A, O: ")
    assert f"alpha 0.1: {result['levels']['0.1']['mean_size']:.2f} labels in a set; " in out
    assert out.count(": uncovered\n") == 4
    assert "evidence" not in out


def test_evaluate_on_all_warns_with_numbers_where_the_specialist_has_seen_windows(command, made, tiny):
    code, out, err = command("evaluate", tiny, made.data / "packed.npz", "--part", "all", "--faithful", "0", "--json")
    assert (code, json.loads(out)["n"]) == (0, 96)
    text = " ".join(err.split())
    assert "warning: 76 of 96 windows helped to make this specialist" in text
    assert "36 of the calibration part, 28 of the train part, 12 of the validation part" in text


def test_evaluate_without_a_test_part_says_what_to_do(command, refused, made, tiny, tmp_path):
    with np.load(made.data / "packed.npz", allow_pickle=False) as packed:
        arrays = {name: packed[name] for name in packed.files}
    arrays["id"] = np.array([f"new{i}" for i in range(96)])
    np.savez(tmp_path / "new.npz", **arrays)
    text = "none of the 96 windows belongs to the test part that the specialist was made with; --part all takes every"
    refused(3, text, "evaluate", tiny, tmp_path / "new.npz")
    code, out, err = command("evaluate", tiny, tmp_path / "new.npz", "--part", "all", "--faithful", "0", "--json")
    assert (code, json.loads(out)["n"]) == (0, 96)
    assert "warning" not in err
    # Calibrated on these windows, the sets cover them as the law says.
    out = tmp_path / "again"
    code, text, _ = command("calibrate", tiny, tmp_path / "new.npz", "--out", out)
    assert code == 0
    assert text == f"calibrated on 96 windows: 24 N, 24 A, 24 O, 24 ~\nspecialist: {out}\n"
    again = Specialist.load(out)
    assert again.calibration_.counts == {"N": 24, "A": 24, "O": 24, "~": 24}
    assert "## Calibrated anew\n\nOn new.npz: 24 `N`, 24 `A`, 24 `O`, 24 `~`." in again.card
    code, text, _ = command("evaluate", out, made.data / "packed.npz", "--faithful", "0", "--json")
    level = json.loads(text)["levels"]["0.05"]
    assert {one["status"] for one in level["coverage"].values()} == {"covered"}


@pytest.mark.filterwarnings("default::auricle.conformal.OverlapWarning")
def test_a_full_disk_under_a_specialist_is_code_1_and_leaves_nothing(command, made, tiny, tmp_path, monkeypatch):
    def full(_):
        raise FULL

    monkeypatch.setattr("auricle.folder.os.fsync", full)
    code, out, err = command("calibrate", tiny, made.data / "packed.npz", "--out", tmp_path / "x")
    assert (code, out) == (1, "")
    # The windows of the training part are calibrated on, which is said, and is no error.
    assert re.search(r"^warning: 28 of 96 calibration subjects are in the train part too: ", err, re.MULTILINE)
    assert err.endswith("can't be written (No space left on device); what was there is unchanged\n")
    assert list(tmp_path.iterdir()) == []


def test_demo_judges_recordings_of_your_own(command, made, records, tmp_path, monkeypatch):
    monkeypatch.setattr("auricle.folder.shipped", lambda: {"af": made.specialist})
    code, out, _ = command("demo", records / "r4.npz", "--out", tmp_path / "demo", "--alpha", "0.2")
    assert code == 0
    assert out.count("r4, ") == 4
    assert f"report: {tmp_path / 'demo' / 'report.html'}\n" in out
    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == ["findings.jsonl", "report.html"]


def test_ctrl_c_during_the_demo_is_code_130(command, made, tmp_path, monkeypatch):
    monkeypatch.setattr("auricle.folder.shipped", lambda: {"af": made.specialist})

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Specialist, "findings", stop)
    code, out, err = command("demo", "--out", tmp_path / "demo")
    assert (code, out) == (130, "")
    assert err.startswith("interrupted; nothing is lost")
    assert not list(tmp_path.rglob("*.html"))


def test_the_shipped_specialist_judges_a_simulated_sinus_rhythm(command, findings, af, records):
    code, out, _ = command("predict", "af", records / "r1.npz", "--json")
    (line,) = findings(out)
    assert code == 0
    assert line["specialist"]["name"] == "af"
    assert line["top"] == "N"
