"""A damaged file gives a recording that can be read or one of auricle's errors, and never takes much memory."""

import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auricle.errors import AuricleError
from auricle.signals import Recording, find_recordings
from auricle.signals.readers import npz

FORMATS = {
    "wfdb header": ("wfdb", "rec.hea"),
    "wfdb samples": ("wfdb", "rec.dat"),
    "wfdb annotations": ("wfdb", "rec.atr"),
    "challenge header": ("challenge", "A00001.hea"),
    "challenge samples": ("challenge", "A00001.mat"),
    "edf": ("edf", "psg.edf"),
    "bdf": ("bdf", "psg.bdf"),
    "csv": ("csv", "trace.csv"),
    "npz": ("npz", "own.npz"),
    "npz archive": ("archive", "archive.npz"),
}


@pytest.fixture(scope="module")
def originals(tmp_path_factory, write):
    found = {}
    for name, (kind, file) in FORMATS.items():
        folder = tmp_path_factory.mktemp("original")
        if kind == "npz":
            Recording.from_array(np.ones((1, 500)), 100, units="mV").save(folder / file)
        elif kind == "bdf":
            write.edf(folder, "psg.bdf")
        else:
            getattr(write, kind)(folder)
        found[name] = folder, file
    return found


@st.composite
def damages(draw):
    """Cut a file short, or flip up to four bits, most of them near its start or its end, where the headers are."""
    if draw(st.booleans()):
        return draw(st.floats(0, 1)), []
    places = st.one_of(st.integers(0, 300), st.integers(0, 1200), st.integers(-300, -1), st.integers(0, 100_000))
    return None, draw(st.lists(st.tuples(places, st.integers(0, 7)), min_size=1, max_size=4))


def damaged(data: bytes, damage) -> bytes:
    share, flips = damage
    if share is not None:
        return data[: int(share * len(data))]
    out = bytearray(data)
    for place, bit in flips:
        out[place % len(out)] ^= 1 << bit
    return bytes(out)


def use(path) -> None:
    """Do what a command does with a file: find it, open it, read it."""
    for source in find_recordings(path):
        recording = source.open()
        samples = recording.samples()
        assert samples.shape == (len(recording.channels), recording.n_samples)
        assert samples.dtype == np.float32
        for other in recording.others:
            assert other.samples().shape == (len(other.channels), other.n_samples)
        assert all(np.isfinite(note.start) for note in recording.annotations)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=damages())
def test_a_damaged_file_is_read_or_refused_in_words(name, originals, damage):
    folder, file = originals[name]
    path = folder / file
    whole = path.read_bytes()
    tracemalloc.start()
    try:
        path.write_bytes(damaged(whole, damage))
        use(path)
    except AuricleError as error:
        text = str(error)
        assert len(text.split()) > 4
        assert path.stem in text
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        path.write_bytes(whole)
    assert peak < 60e6


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_file_is_refused_in_words(name, originals):
    folder, file = originals[name]
    path = folder / file
    whole = path.read_bytes()
    path.write_bytes(b"")
    try:
        with pytest.raises(AuricleError, match=path.stem):
            use(path)
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("suffix", [".hea", ".mat", ".edf", ".bdf", ".csv", ".npz", ".txt"])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=600))
def test_any_bytes_are_refused_in_words(suffix, tmp_path, data):
    path = tmp_path / f"noise{suffix}"
    path.write_bytes(data)
    try:
        use(path)
    except AuricleError as error:
        assert "noise" in str(error)  # noqa: PT017 -- reading is allowed as well


def test_a_header_that_lies_about_the_length_allocates_nothing(tmp_path, write):
    header = write.wfdb(tmp_path)
    for claim in ("999999999999", "99999999999999999999999"):
        header.write_text(header.read_text().replace(" 1500", f" {claim}", 1))
        with pytest.raises(AuricleError, match="is cut off"):
            Recording.read(header)
        header.write_text(header.read_text().replace(f" {claim}", " 1500", 1))
    edf = write.edf(tmp_path)
    data = bytearray(edf.read_bytes())
    data[236:244] = b"99999999"
    edf.write_bytes(data)
    assert Recording.read(edf).notes == ("the file ends early: 2 of 99999999 data records are there",)


def test_a_header_may_not_point_outside_its_folder(tmp_path, write):
    header = write.wfdb(tmp_path)
    for name in ("../rec.dat", "/etc/passwd", "..\\rec.dat", "sub/rec.dat"):
        evil = tmp_path / "evil.hea"
        evil.write_text(header.read_text().replace("rec.dat", name))
        with pytest.raises(AuricleError, match="only a file in the header's own folder is read"):
            Recording.read(evil)


def test_pickles_are_never_loaded(tmp_path):
    path = tmp_path / "pickled.npz"
    np.savez(path, samples=np.array([[None]], object), fs=1.0, channels=["a"], units=["mV"])
    with pytest.raises(AuricleError, match="Python objects, which are never loaded"):
        Recording.read(path)


def test_what_a_library_advises_programmers_is_not_repeated(tmp_path):
    path = tmp_path / "long.npz"
    start = b"\x93NUMPY\x02\x00" + (100_000).to_bytes(4, "little") + b"(" * 100_000
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("samples.npy", start)
    with pytest.raises(AuricleError) as caught:
        Recording.read(path)
    text = str(caught.value)
    assert "\n" not in text
    assert "allow_pickle" not in text
    assert text.endswith("; fetch it again")


def test_what_would_not_fit_into_memory_is_refused(tmp_path, monkeypatch):
    path = Recording.from_array(np.zeros((1, 500)), 100, units="mV").save(tmp_path / "own.npz")
    monkeypatch.setattr(npz, "_memory", lambda: 3000)
    with pytest.raises(AuricleError, match=r"unpacks to 2e-06 GB, more than half of .* memory; save .* as EDF"):
        Recording.read(path).samples()


@pytest.mark.parametrize("kind", ["wfdb", "challenge", "edf", "archive", "own"])
def test_a_recording_that_disappears_half_way(kind, tmp_path, write):
    if kind == "own":
        path = Recording.from_array(np.ones((1, 500)), 100, units="mV").save(tmp_path / "own.npz")
    else:
        path = getattr(write, kind)(tmp_path)
    recording = find_recordings(path)[0].open()
    recording.samples(0, 10)
    for file in tmp_path.iterdir():
        file.unlink()
    with pytest.raises(AuricleError, match="missing, or it was moved away while it was read"):
        recording.samples(10, 20)


@pytest.mark.parametrize("kind", ["wfdb", "challenge", "edf"])
def test_a_recording_that_shrinks_half_way(kind, tmp_path, write):
    recording = Recording.read(getattr(write, kind)(tmp_path))
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(AuricleError, match="cut off"):
        recording.samples()
