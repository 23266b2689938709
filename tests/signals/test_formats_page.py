"""The examples of docs/formats.md are read as it says."""

import re
from pathlib import Path

import numpy as np
import pytest

from auricle import Recording
from auricle.signals import find_recordings
from auricle.signals.cinc2017 import cinc2017_recordings

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_csv_of_the_page_is_a_recording(tmp_path):
    (text,) = blocks("csv")
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    recording = Recording.read(tmp_path / "a.csv")
    assert (recording.fs, recording.channels, recording.units) == (250.0, ("ECG",), ("mV",))
    np.testing.assert_allclose(recording.samples(), [[0.012, 0.018, 0.031]], rtol=1e-6)


@pytest.mark.parametrize("name", ["time", "t", "Elapsed time", "seconds", "time [s]"])
def test_columns_that_the_page_calls_time(tmp_path, name):
    (text,) = blocks("csv")
    (tmp_path / "a.csv").write_text(text.replace("time", name), encoding="utf-8")
    assert Recording.read(tmp_path / "a.csv").fs == 250.0


@pytest.mark.parametrize("missing", ["", "NaN", "NA", "null", "-"])
def test_cells_that_the_page_calls_missing(tmp_path, missing):
    (text,) = blocks("csv")
    (tmp_path / "a.csv").write_text(text.replace("0.018", missing), encoding="utf-8")
    assert np.isnan(Recording.read(tmp_path / "a.csv").samples()[0]).tolist() == [False, True, False]


@pytest.mark.parametrize("name", ["sample", "index"])
def test_columns_that_the_page_calls_counters(tmp_path, name):
    (tmp_path / "a.csv").write_text(f"ECG (mV),{name}\n" + "\n".join(f"0.5,{i}" for i in range(9)), encoding="utf-8")
    assert Recording.read(tmp_path / "a.csv", fs=100.0).channels == ("ECG",)


def test_the_npz_files_of_the_page_are_recordings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec("\n".join(blocks("python")), {})
    recording = Recording.read("mine.npz")
    assert (recording.fs, recording.channels, recording.units) == (250.0, ("II",), ("mV",))
    assert recording.samples().shape == (1, 7500)
    assert [one.id for one in find_recordings("packed.npz")] == ["rec1", "rec2"]
    assert Recording.read("packed.npz::rec2").n_samples == 2700
    packed = list(cinc2017_recordings(Path("packed.npz")))
    assert [(name, label, len(samples), fs) for name, label, samples, fs in packed] == [
        ("rec1", "N", 9000, 300.0),
        ("rec2", "A", 2700, 300.0),
    ]


def test_a_text_file_is_taken_only_when_it_is_named(tmp_path):
    (text,) = blocks("csv")
    for name in ("a.csv", "b.txt"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert [one.id for one in find_recordings(tmp_path)] == ["a"]
    assert [one.id for one in find_recordings(tmp_path / "b.txt")] == ["b"]


@pytest.mark.parametrize("name", ["af", "beats"])
def test_leads_are_those_that_the_page_names(name):
    from auricle import Specialist  # noqa: PLC0415

    (leads,) = Specialist.load(name).preprocessing.leads
    spoken = f"`{name}` for {', '.join(leads[:-1])} or {leads[-1]}"
    assert spoken in PAGE
