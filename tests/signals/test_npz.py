import numpy as np
import pytest

from auricle.errors import FormatError, InputError
from auricle.signals import Annotation, Recording


def sample(**options):
    values = np.random.default_rng(4).normal(size=(2, 800)).astype(np.float32)
    values[1, 3] = np.nan
    return Recording.from_array(values, 125.5, channels=("I", "µ"), units=("mV", "uV"), id="one", **options)


def test_what_was_saved_is_read(tmp_path):
    notes = (Annotation(start=1.0, duration=2.5, text="(AFIB", channel="I"), Annotation(start=3.0, text="V"))
    original = sample(subject="p7", simulated=True, annotations=notes)
    recording = Recording.read(original.save(tmp_path / "r.npz"))
    np.testing.assert_array_equal(recording.samples(), original.samples())
    np.testing.assert_array_equal(recording.samples(5, 9), original.samples(5, 9))
    for name in ("id", "fs", "channels", "units", "n_samples", "subject", "simulated", "annotations"):
        assert getattr(recording, name) == getattr(original, name)


def test_nothing_is_said_that_was_not_saved(tmp_path):
    recording = Recording.read(sample().save(tmp_path / "r.npz"))
    assert (recording.subject, recording.simulated, recording.annotations) == (None, False, ())


def test_a_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    path = sample().save(tmp_path / "r.npz")
    before = path.read_bytes()

    def full(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InputError, match=r"r.npz can't be written: No space left on device; nothing was left behind"):
        sample().save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["r.npz"]


def test_recordings_are_saved_as_npz_only(tmp_path):
    with pytest.raises(InputError, match=r"r\.csv was given as the file to write; recordings are saved as \.npz"):
        sample().save(tmp_path / "r.csv")


def test_a_recording_of_an_archive_is_the_sum_of_its_differences(tmp_path, write):
    path = write.archive(tmp_path)
    rng = np.random.default_rng(23)
    parts = [rng.integers(-900, 900, 600 + 10 * i) for i in range(3)]
    for i, part in enumerate(parts):
        recording = Recording.read(f"{path}::R{i}")
        assert (recording.id, recording.fs, recording.channels, recording.units) == (f"R{i}", 300, ("ECG",), ("mV",))
        np.testing.assert_array_equal(recording.samples()[0], (part / 1000).astype(np.float32))
        np.testing.assert_array_equal(recording.samples(100, 200)[0], (part[100:200] / 1000).astype(np.float32))
        assert [note.text for note in recording.annotations] == ["NAO"[i]]


def test_an_archive_is_not_one_recording(tmp_path, write):
    path = write.archive(tmp_path)
    with pytest.raises(InputError, match=r"archive.npz holds 3 recordings; name one, e.g. archive.npz::R0, or take"):
        Recording.read(path)
    with pytest.raises(InputError, match="holds no recording 'R9'; it holds R0 to R2"):
        Recording.read(f"{path}::R9")


def test_an_archive_that_was_replaced_is_read_anew(tmp_path, write):
    path = write.archive(tmp_path)
    before = Recording.read(f"{path}::R1").samples()
    with np.load(path) as file:
        arrays = dict(file)
    np.savez_compressed(path, **{**arrays, "gain": 500.0})
    np.testing.assert_array_equal(Recording.read(f"{path}::R1").samples(), before * 2)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"offset": [0, 5, 3, 10]}, "its offsets do not rise from 0"),
        ({"offset": [0, 5, 6, 10**9]}, "its offsets do not rise from 0"),
        ({"offset": [0, 5, np.nan, 10]}, "4 offsets of float64, 3 ids; delta is a row of whole numbers, and so is"),
        ({"offset": [0, 5]}, "there is one offset more than ids"),
        ({"delta": np.zeros(9)}, "delta is a row of whole numbers"),
        ({"gain": 0.0}, "a gain of 0 steps per mV"),
        ({"fs": -1}, "a sampling rate of -1 Hz"),
        ({"label": ["N"]}, "labels one per id"),
        ({"id": np.array([], str)}, "is an archive without recordings"),
    ],
)
def test_a_wrong_archive_is_refused_in_words(tmp_path, write, change, text):
    path = write.archive(tmp_path)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{**arrays, **change})
    with pytest.raises(InputError, match=text):
        Recording.read(f"{path}::R1")


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"x": [1]}, "has the arrays x; a recording has samples, fs, channels, units, an archive of recordings delta"),
        ({"samples": np.zeros(5), "fs": 1, "channels": ["I"], "units": ["mV"]}, r"samples of shape \(5,\)"),
        (
            {"samples": np.zeros((2, 5)), "fs": 1, "channels": ["I"], "units": ["mV"]},
            "2 rows of samples, 1 channel names",
        ),
        ({"samples": np.zeros((1, 0)), "fs": 1, "channels": ["I"], "units": ["mV"]}, "holds no samples"),
        (
            {"samples": np.zeros((1, 5)), "fs": [1, 2], "channels": ["I"], "units": ["mV"]},
            "the array fs holds 2 values; one is needed",
        ),
        (
            {"samples": np.zeros((1, 5), complex), "fs": 1, "channels": ["I"], "units": ["mV"]},
            r"samples of shape \(1, 5\) and type complex128; they must be real numbers",
        ),
    ],
)
def test_a_wrong_recording_is_refused_in_words(tmp_path, arrays, text):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InputError, match=text):
        Recording.read(tmp_path / "bad.npz")


def test_a_size_that_the_file_cannot_hold_is_refused(tmp_path):
    path = tmp_path / "lie.npz"
    np.savez(path, samples=np.zeros((1, 5000)), fs=1.0, channels=["I"], units=["mV"])
    data = path.read_bytes()
    path.write_bytes(data.replace(b"(1, 5000)", b"(9, 5000)"))
    with pytest.raises(FormatError):
        Recording.read(path)
