"""The demonstration: four simulated ECGs, marked as simulated wherever they appear."""

import json
import re
from dataclasses import replace

import pytest

from auricle import Recording, Specialist
from auricle.demo import demonstrate, simulated
from auricle.errors import SpecialistError
from auricle.finding import Finding


@pytest.fixture
def tiny_as_af(monkeypatch, made):
    """The demonstration asks for "af"; the shipped one takes longer than these tests should."""
    tiny = Specialist.load(made.specialist)
    monkeypatch.setattr("auricle.demo.Specialist.load", lambda name: {"af": tiny}[name])
    return tiny


def test_the_simulated_recordings_differ_and_say_what_they_are():
    recordings = simulated(duration=10.0)
    assert len({recording.id for recording in recordings}) == 4
    assert all(recording.simulated for recording in recordings)
    assert {recording.units for recording in recordings} == {("mV",)}
    assert all("simulated" in recording.id for recording in recordings)


def test_it_writes_report_findings_and_recordings(tmp_path, tiny_as_af, one_thread):
    seen = []
    paths, findings = demonstrate(
        tmp_path / "demo", simulated(duration=10.0), alpha=0.2, progress=lambda *a: seen.append(a)
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [finding.simulated for finding in findings] == [True] * 4
    lines = paths["findings"].read_text(encoding="utf-8").splitlines()
    assert [Finding.from_json(line) for line in lines] == findings
    assert {json.loads(line)["alpha"] for line in lines} == {0.2}
    stored = sorted(paths["recordings"].iterdir())
    assert sorted(Recording.read(path).id for path in stored) == sorted(finding.recording for finding in findings)
    assert all(Recording.read(path).simulated for path in stored)
    report = paths["report"].read_text(encoding="utf-8")
    assert "simulated" in report
    assert "<script" not in report
    assert not re.search(r"(src|href)=.http", report)
    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == [
        "findings.jsonl",
        "recordings",
        "report.html",
    ]


def test_an_id_that_is_no_file_name_stays_within_the_folder(tmp_path, tiny_as_af, one_thread):
    ids = ["../../x", "a/b.edf", "a/c.edf"]
    recordings = [replace(simulated(duration=10.0)[0], id=id_) for id_ in ids]
    paths, _ = demonstrate(tmp_path / "demo", recordings)
    assert sorted(path.name for path in paths["recordings"].iterdir()) == ["0-x.npz", "1-a-b.edf.npz", "2-a-c.edf.npz"]
    assert sorted(Recording.read(path).id for path in paths["recordings"].iterdir()) == sorted(ids)
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_a_second_demonstration_replaces_the_first(tmp_path, tiny_as_af, one_thread):
    first, _ = demonstrate(tmp_path, simulated(duration=10.0)[:1])
    before = first["findings"].read_bytes(), first["report"].read_bytes()
    second, _ = demonstrate(tmp_path, simulated(duration=10.0)[:1])
    assert (second["findings"].read_bytes(), second["report"].read_bytes()) == before


def test_recordings_of_your_own_are_not_copied(tmp_path, tiny_as_af, one_thread):
    samples = simulated(duration=10.0)[0].samples()
    own = Recording.from_array(samples, 300.0, channels=("V5",), units="mV", id="mine")
    paths, findings = demonstrate(tmp_path, [own], lead="V5")
    assert set(paths) == {"findings", "report"}
    assert (findings[0].channels, findings[0].simulated) == (("V5",), False)


def test_without_the_shipped_specialist_it_says_so_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("auricle.folder.shipped", dict)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecialistError, match="there is no folder 'af'; give the folder of a specialist or a shipped"):
        demonstrate(tmp_path / "demo", simulated(duration=10.0))
    assert list(tmp_path.iterdir()) == []


def test_the_shipped_specialist_tells_the_four_apart(af):
    findings = [finding for recording in simulated() for finding in af.findings(recording, explain=False)]
    tops = [finding.top for finding in findings]
    assert (tops[0], tops[1], tops[3]) == ("N", "A", "~")
    assert all(finding.simulated for finding in findings)
