"""`auricle bench adaptation` on a folder of WFDB records that nobody has seen."""

import json
import re

import numpy as np
import pytest
import wfdb

from auricle.specialist import Specialist
from simulated_beats import PLAN, ecg, save_specialist


@pytest.fixture(scope="session")
def beats(tmp_path_factory):
    folder = tmp_path_factory.mktemp("beats")
    made = Specialist.load(save_specialist(folder / "any"))
    made.preprocessing = made.windowing.__class__(**{**made.windowing.__dict__, "leads": (("II",),)})
    made.save(folder / "beats", name="beats")
    return folder / "beats"


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Two annotated records of seven minutes, whose lead has a name of its own."""
    path = tmp_path_factory.mktemp("records")
    for seed in (7, 8):
        recording = ecg(seed, seconds=420.0)
        wfdb.wrsamp(
            f"r{seed}", 100.0, ["mV"], ["ECG1"], p_signal=recording.samples().T.astype(np.float64), fmt=["16"],
            write_dir=str(path),
        )  # fmt: skip
        at = np.array([round(a.start * 100) for a in recording.annotations])
        wfdb.wrann(f"r{seed}", "atr", at, [a.text for a in recording.annotations], fs=100.0, write_dir=str(path))
    return path


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "plan.toml").write_text(PLAN)
    return tmp_path / "plan.toml"


def test_a_lead_of_another_name_is_named(command, beats, folder, plan, tmp_path):
    base = ("bench", "adaptation", "--data", folder, "--specialist", beats, "--plan", plan, "--workers", "1")
    code, _, err = command(*base)
    # On a slow machine a line of progress comes before.
    assert (code, err.splitlines()[-1][:7]) == (3, "error: ")
    assert re.search("holds no patient for this comparison .*r7: .*ECG1", err)
    out, kept = tmp_path / "out", tmp_path / "kept"
    arguments = (*base, "--lead", "ECG1", "--arms", "base,pool", "--seeds", "2", "--results", kept, "--json")
    code, text, err = command(*arguments, "--out", out)
    assert code == 0, err
    result = json.loads(text)
    assert result["patients"] == 2
    assert set(result["arms"]) == {"base", "pool"}
    assert result["arms"]["pool"]["trials"] == 4
    assert result["arms"]["pool"]["forwards"] == 40
    assert result["arms"]["base"]["veb_f1"][0] == result["arms"]["base"]["veb_f1"][1] > 0.5
    inside = result["arms"]["pool"]["inside"]
    assert inside["personal"] + inside["below"] + inside["above"] == inside["pairs"]
    assert "`auricle bench adaptation --arms base,pool --seeds 2 --lead ECG1`" in (out / "adaptation.md").read_text()
    assert "| r8 | V | " in (out / "adaptation.md").read_text()
    assert (out / "adaptation.png").stat().st_size > 10_000
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    again = json.loads(command(*arguments)[1])
    assert again["trials"] == result["trials"]
    # Nothing was done anew.
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before
