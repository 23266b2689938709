import os
import pickle
import time

import numpy as np
import pytest

from auricle.errors import FormatError, InputError
from auricle.signals import Recording, find_recordings


@pytest.fixture
def folder(tmp_path, write):
    """Give a folder with a record of each format and with files that are none."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    write.wfdb(tmp_path / "deep" / "er")
    write.challenge(tmp_path)
    write.edf(tmp_path)
    write.csv(tmp_path, "b.csv")
    write.archive(tmp_path, "c.npz")
    Recording.from_array(np.ones(500), 100, units="mV", id="own").save(tmp_path / "d.npz")
    (tmp_path / "REFERENCE.csv").write_text("A00001,N\nA00002,~\n")
    (tmp_path / "notes.txt").write_text("fine\n")
    (tmp_path / "._A00001.hea").write_bytes(b"\0\5\x16\7")
    np.savez(tmp_path / "features.npz", X=np.zeros(3))
    return tmp_path


def test_a_folder_is_listed_in_order_and_only_its_recordings(folder):
    found = find_recordings(folder)
    assert [source.id for source in found] == ["A00001", "b", "R0", "R1", "R2", "d", "psg", "rec"]
    assert [source.id for source in found] == [source.id for source in find_recordings([folder])]
    for source in found:
        assert source.open().samples().size


def test_a_damaged_archive_in_a_folder_is_reported_not_passed_over(folder):
    (folder / "broken.npz").write_bytes(b"PK")
    (broken,) = (source for source in find_recordings(folder) if source.id == "broken")
    with pytest.raises(FormatError, match=r"broken\.npz is damaged or is no NPZ file"):
        broken.open()


def test_every_key_names_one_recording_and_stays_the_same(folder, monkeypatch):
    keys = [source.key for source in find_recordings(folder)]
    assert len(set(keys)) == len(keys)
    monkeypatch.chdir(folder)
    assert [source.key for source in find_recordings(".")] == keys


def test_a_recording_counts_once_however_it_is_named(folder):
    given = [folder / "A00001.mat", folder / "A00001", folder / "A00001.hea", folder, f"{folder / 'c.npz'}::R1"]
    found = find_recordings(given)
    assert len(found) == 8
    assert found[0].path == folder / "A00001.hea"


def test_an_archive_may_be_named_whole_or_in_part(folder):
    assert [source.id for source in find_recordings(folder / "c.npz")] == ["R0", "R1", "R2"]
    assert [source.id for source in find_recordings(f"{folder / 'c.npz'}::R1")] == ["R1"]
    with pytest.raises(InputError, match="holds no recording 'R9'; it holds R0 to R2"):
        find_recordings(f"{folder / 'c.npz'}::R9")


def test_a_rate_and_a_unit_that_were_said_reach_the_reader(tmp_path):
    (tmp_path / "x.csv").write_text("1\n2\n3\n")
    recording = find_recordings(tmp_path, fs=50, unit="uV")[0].open()
    assert (recording.fs, recording.units) == (50, ("uV",))


def test_hypnograms_are_passed_over_in_a_folder(tmp_path, write):
    import edfio  # noqa: PLC0415

    write.edf(tmp_path, "n-PSG.edf")
    edfio.Edf([], annotations=[edfio.EdfAnnotation(0, 30, "Sleep stage W")]).write(tmp_path / "n-Hypnogram.edf")
    assert [source.id for source in find_recordings(tmp_path)] == ["n-PSG"]


def test_recordings_of_one_name_are_told_apart(tmp_path, write):
    for patient in ("p1", "p2"):
        (tmp_path / patient).mkdir()
        write.csv(tmp_path / patient, "ecg.csv")
        write.archive(tmp_path / patient, "all.npz", n=1)
    write.csv(tmp_path, "night.csv")
    write.edf(tmp_path, "night.edf")
    write.wfdb(tmp_path)
    found = find_recordings(tmp_path)
    names = ["night.csv", "night.edf", "rec", "p1/all.npz::R0", "p1/ecg.csv", "p2/all.npz::R0", "p2/ecg.csv"]
    assert [source.id for source in found] == names
    assert [source.open().id for source in found] == names
    assert [source.id for source in find_recordings(tmp_path / "p1")] == ["R0", "ecg"]


def test_a_recording_has_its_files_name_whatever_stands_in_the_file(tmp_path):
    for name in ("a", "b"):
        Recording.from_array(np.ones(500), 100, units="mV").save(tmp_path / f"{name}.npz")
    assert [source.open().id for source in find_recordings(tmp_path)] == ["a", "b"]


def test_an_id_that_stands_twice_in_an_archive_is_two_recordings(tmp_path, write):
    path = write.archive(tmp_path)
    with np.load(path) as file:
        np.savez(path, **{**file, "id": ["R0", "R0", "R1"]})
    found = find_recordings(path)
    assert [source.id for source in found] == ["archive.npz::R0", "archive.npz::R0 (2)", "R1"]
    assert [source.open().n_samples for source in found] == [600, 610, 620]


def test_an_empty_path_is_not_the_present_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    for given in ("", " ", [""]):
        with pytest.raises(InputError, match=r"an empty path was given \(an unset variable\?\)"):
            find_recordings(given)


@pytest.mark.parametrize("suffix", [".npz", ".edf", ".csv", ".hea"])
def test_a_pipe_is_refused_at_once_and_passed_over_in_a_folder(folder, suffix):
    pipe = folder / f"pipe{suffix}"
    os.mkfifo(pipe)
    (folder / f"link{suffix}").symlink_to(pipe)
    with pytest.raises(InputError, match=r"pipe.* is no ordinary file \(a folder, a pipe or a device\)"):
        find_recordings(pipe)[0].open()
    assert len(find_recordings(folder)) == 8


def test_a_link_that_leads_nowhere_is_reported(folder):
    (folder / "lost.edf").symlink_to(folder / "gone.edf")
    (lost,) = (source for source in find_recordings(folder) if source.id == "lost")
    with pytest.raises(InputError, match=r"there is no file .*lost\.edf"):
        lost.open()


def test_a_single_recording_is_no_archive(folder):
    for read in (find_recordings, Recording.read):
        with pytest.raises(FormatError, match=r"d\.npz is no archive of recordings.*give the file alone, without ::"):
            read(f"{folder / 'd.npz'}::own")


def test_what_is_not_there_is_refused_in_words(tmp_path):
    with pytest.raises(InputError, match=r"there is no file or folder .*gone, nor a WFDB record of that name"):
        find_recordings(tmp_path / "gone")
    with pytest.raises(InputError, match="no file or folder was given; read are WFDB"):
        find_recordings([])
    with pytest.raises(InputError, match=r"there is no recording in .*; looked for were WFDB \(\.hea with"):
        find_recordings(tmp_path)
    (tmp_path / "a.mat").write_bytes(b"")
    with pytest.raises(InputError, match=r"its 1 \.mat files have no \.hea headers beside them"):
        find_recordings(tmp_path)


def test_a_file_that_is_named_is_never_passed_over(folder):
    (source,) = find_recordings(folder / "REFERENCE.csv")
    with pytest.raises(InputError, match="holds no samples"):
        source.open()


def test_thousands_are_listed_in_a_moment_and_nothing_is_opened(tmp_path):
    for i in range(3000):
        (tmp_path / f"r{i:04}.hea").touch()
        (tmp_path / f"r{i:04}.mat").touch()
    start = time.process_time()
    found = find_recordings(tmp_path)
    assert time.process_time() - start < 1
    assert [source.id for source in found] == [f"r{i:04}" for i in range(3000)]


def test_sources_and_recordings_travel_to_other_processes(folder):
    for source in find_recordings(folder):
        recording = pickle.loads(pickle.dumps(source)).open()
        again = pickle.loads(pickle.dumps(recording))
        np.testing.assert_array_equal(again.samples(), recording.samples())
