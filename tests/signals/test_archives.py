"""Labelled data sets: what is recognised, what is refused, and the split by subject."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auricle.errors import AuricleError, FormatError, InputError
from auricle.signals import Preprocessing, resample
from auricle.signals.archives import (
    PARTS,
    LabelledWindows,
    Split,
    cinc2017_recordings,
    open_archive,
    read_cinc2017,
)
from auricle.signals.labelled import UnjudgedWarning

ECG = Preprocessing(fs=120.0)
SHORT = Preprocessing(fs=120.0, window=2.0, hop=2.0, longest=3.0, shortest=1.0)


def pack(path: Path, recordings: list[np.ndarray], labels: list[str], **changed: object) -> Path:
    """Write recordings of int16 ADC values as a packed archive."""
    arrays: dict[str, object] = {
        "delta": np.concatenate([np.diff(r, prepend=np.int16(0)) for r in recordings]).astype(np.int16),
        "offset": np.cumsum([0, *map(len, recordings)]),
        "id": np.array([f"A{i:05}" for i in range(len(recordings))]),
        "label": np.array(labels),
        "fs": 300,
        "gain": 1000.0,
    }
    np.savez(path, **{name: value for name, value in (arrays | changed).items() if value is not None})
    return path


def noise(*lengths: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(-30_000, 30_000, n).astype(np.int16) for n in lengths]


def challenge(folder: Path, recordings: list[np.ndarray], labels: list[str], write: type) -> Path:
    """Write recordings as a folder of the challenge."""
    for i, samples in enumerate(recordings):
        write.challenge(folder, f"A{i:05}", digital=samples[None])
    lines = [f"A{i:05},{label}\n" for i, label in enumerate(labels)]
    (folder / "REFERENCE.csv").write_text("".join(lines))
    return folder


def test_packed_archive_gives_the_stored_values_resampled(tmp_path):
    stored = noise(2700, 3000)
    path = pack(tmp_path / "a.npz", stored, ["N", "~"])
    windows = open_archive(path, ECG)
    assert windows.labels.tolist() == ["N", "~"]
    assert windows.lengths.tolist() == [1080, 1200]
    assert windows.recordings.tolist() == windows.subjects.tolist() == ["A00000", "A00001"]
    for row, length, samples in zip(windows.samples, windows.lengths, stored, strict=True):
        expected = resample(samples[None].astype(np.float32) / np.float32(1000), 300.0, 120.0)
        np.testing.assert_array_equal(row[:, :length], expected)
        assert not row[:, length:].any()
    assert windows.simulated is False


def test_recordings_are_the_exact_values_also_where_differences_wrap_around(tmp_path):
    stored = [np.tile(np.array([-30_000, 30_000], np.int16), 400)]
    (found,) = cinc2017_recordings(pack(tmp_path / "a.npz", stored, ["A"]))
    name, label, samples, fs = found
    assert (name, label, fs) == ("A00000", "A", 300.0)
    np.testing.assert_array_equal(samples, stored[0].astype(np.float32) / np.float32(1000))


def test_a_long_recording_is_cut_and_its_label_kept(tmp_path):
    path = pack(tmp_path / "a.npz", noise(1500, 300), ["O", "N"])
    windows = open_archive(path, SHORT)
    assert windows.labels.tolist() == ["O", "O", "O", "N"]
    assert windows.starts.tolist() == [0.0, 2.0, 3.0, 0.0]
    assert windows.lengths.tolist() == [240, 240, 240, 120]


def test_progress_counts_recordings(tmp_path):
    seen: list[tuple[int, int]] = []
    path = pack(tmp_path / "a.npz", noise(900, 900, 900), ["N", "A", "O"])
    open_archive(path, SHORT, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_an_unknown_label_is_refused_unless_it_is_allowed(tmp_path):
    path = pack(tmp_path / "a.npz", noise(900, 900), ["N", "VT"])
    with pytest.raises(FormatError, match=r"a\.npz: A00001 has the label 'VT'; allowed are N, A, O, ~"):
        open_archive(path, ECG)
    assert open_archive(path, ECG, labels=("N", "VT")).labels.tolist() == ["N", "VT"]
    assert read_cinc2017(path, ECG).labels.tolist() == ["N", "VT"]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"label": None}, "holds recordings without labels; a packed archive needs the array label"),
        ({"gain": None}, "an archive of recordings delta, offset, id, fs, gain"),
        ({"gain": -1.0}, "a gain is positive"),
        ({"label": np.array(["N"])}, "labels one per id"),
        ({"offset": np.array([0, 900, 800])}, "its offsets do not rise"),
        ({"offset": np.array([0, 900, 9000])}, "its offsets do not rise"),
        ({"fs": 1e-9}, r"A00000 has 1e-09 Hz and windows of 120 Hz are needed"),
        ({"fs": float("nan")}, "rate of nan Hz"),
        (
            {"offset": np.array([0, 0, 200])},
            r"a\.npz holds no recording that can be judged; A00000: recording A00000 holds no samples.*; A00001: the",
        ),
        ({"id": np.array(["a", "b"], object)}, "is damaged or is no NPZ file"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, changed, text):
    path = pack(tmp_path / "a.npz", noise(900, 900), ["N", "A"], **changed)
    with pytest.raises(InputError, match=text):
        open_archive(path, ECG)


def test_a_recording_that_cant_be_judged_is_reported_and_the_others_are_read(tmp_path):
    path = pack(tmp_path / "a.npz", noise(900, 599, 0, 900), ["N", "A", "O", "~"])
    with pytest.warns(UnjudgedWarning) as caught:
        windows = open_archive(path, ECG)
    (message,) = (str(one.message) for one in caught)
    assert message == (
        "2 of 4 recordings in a.npz can't be judged and are left out; A00001: the recording lasts 1.997 s; at least "
        "2 s are needed for a judgement; A00002: recording A00002 holds no samples; there is nothing to judge in it"
    )
    assert windows.recordings.tolist() == ["A00000", "A00003"]
    assert [(one.recording, one.label) for one in windows.unjudged] == [("A00001", "A"), ("A00002", "O")]
    assert windows.select(np.array([0])).unjudged == windows.unjudged


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_a_damaged_archive_is_an_error_or_gives_the_same(tmp_path, draw):
    path = tmp_path / "a.npz"
    if not path.exists():
        pack(path, noise(650, 700), ["N", "A"])
    whole, content = path.read_bytes(), bytearray(path.read_bytes())
    if draw.draw(st.booleans(), label="cut off"):
        del content[draw.draw(st.integers(0, len(content) - 1)) :]
    else:
        for _ in range(draw.draw(st.integers(1, 4))):
            # Most bytes are samples, which a checksum guards; the tables around them deserve as many tries.
            at = draw.draw(st.integers(0, len(content) - 1) | st.integers(-900, -1) | st.integers(0, 130))
            content[at] ^= 1 << draw.draw(st.integers(0, 7))
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(content)
    try:
        windows = open_archive(damaged, ECG)
    except AuricleError as error:
        assert "damaged.npz" in str(error)  # noqa: PT017 -- an error is one of two good ends
        return
    good = open_archive(path, ECG)
    np.testing.assert_array_equal(windows.samples, good.samples)
    assert path.read_bytes() == whole


def test_a_folder_of_records_gives_the_same_as_the_packed_archive(tmp_path, write):
    stored = noise(900, 1200, 600)
    folder = tmp_path / "records"
    folder.mkdir()
    a = open_archive(challenge(folder, stored, ["N", "A", "~"], write), ECG)
    b = open_archive(pack(tmp_path / "a.npz", stored, ["N", "A", "~"]), ECG)
    np.testing.assert_array_equal(a.samples, b.samples)
    for one, other in ((a.labels, b.labels), (a.recordings, b.recordings), (a.lengths, b.lengths)):
        assert one.tolist() == other.tolist()


def test_records_may_lie_in_folders_of_a_thousand(tmp_path, write):
    (tmp_path / "A00").mkdir()
    challenge(tmp_path / "A00", noise(900), ["N"], write)
    shutil.move(tmp_path / "A00" / "REFERENCE.csv", tmp_path / "REFERENCE.csv")
    assert open_archive(tmp_path, ECG).recordings.tolist() == ["A00000"]


def test_a_label_without_a_record_and_a_record_without_a_label_are_named(tmp_path, write):
    challenge(tmp_path, noise(900, 900), ["N", "A"], write)
    (tmp_path / "A00001.hea").rename(tmp_path / "B.hea")
    with pytest.raises(InputError, match=r"REFERENCE.csv names A00001, and there is no A00001.hea in "):
        open_archive(tmp_path, ECG)
    (tmp_path / "B.hea").unlink()
    (tmp_path / "REFERENCE.csv").write_text("A00001,N\n")
    with pytest.raises(InputError, match=r"there is no A00001.hea"):
        open_archive(tmp_path, ECG)
    (tmp_path / "REFERENCE.csv").write_text("")
    with pytest.raises(InputError, match=r"A00000.hea has no line in .*REFERENCE.csv; add its label there"):
        open_archive(tmp_path, ECG)


def test_missing_samples_of_a_record_are_named(tmp_path, write):
    challenge(tmp_path, noise(900, 900), ["N", "A"], write)
    (tmp_path / "A00001.mat").unlink()
    with pytest.raises(InputError, match=r"A00001\.mat"):
        open_archive(tmp_path, ECG)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (b"A00000,N\nA00000,A\n", "line 2: A00000 has two labels, 'N' and 'A'"),
        (b"A00000,N,v3\n", "line 1: 3 columns; a line has a record's name and its label"),
        (b"A00000,n\n", "A00000 has the label 'n'; allowed are N, A, O, ~"),
        (b"\xff\xfe\x00\x00", "is damaged or is no CSV file"),
    ],
)
def test_a_bad_table_of_labels_is_refused(tmp_path, write, table, text):
    challenge(tmp_path, noise(900), ["N"], write)
    (tmp_path / "REFERENCE.csv").write_bytes(table)
    with pytest.raises(FormatError, match=text):
        open_archive(tmp_path, ECG)


def test_a_byte_order_mark_and_empty_lines_are_forgiven(tmp_path, write):
    challenge(tmp_path, noise(900), ["N"], write)
    (tmp_path / "REFERENCE.csv").write_bytes(b"\xef\xbb\xbfA00000, N\r\n\r\n")
    assert open_archive(tmp_path, ECG).labels.tolist() == ["N"]


def test_what_is_no_data_set_is_answered_with_what_was_looked_for(tmp_path, write):
    with pytest.raises(InputError, match=r"there is nothing at .*; looked for was a packed archive \(.npz\)"):
        open_archive(tmp_path / "absent", ECG)
    with pytest.raises(InputError, match=r"is no labelled data set; looked for was .* it holds nothing"):
        open_archive(tmp_path, ECG)
    for i in range(7):
        (tmp_path / f"{i}.txt").touch()
    with pytest.raises(InputError, match=r"it holds 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 2 more"):
        open_archive(tmp_path, ECG)
    with pytest.raises(InputError, match=r"0.txt is one file, and no data set by its name"):
        open_archive(tmp_path / "0.txt", ECG)
    (tmp_path / "damaged.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(FormatError, match=r"damaged.npz"):
        open_archive(tmp_path / "damaged.npz", ECG)


def test_one_recording_is_no_archive(tmp_path):
    np.savez(tmp_path / "one.npz", samples=np.zeros((1, 900)), fs=300.0, channels=["II"], units=["mV"])
    with pytest.raises(InputError, match=r"one.npz holds one recording without a label"):
        open_archive(tmp_path / "one.npz", ECG)


def test_another_kind_than_asked_for_is_refused(tmp_path):
    path = pack(tmp_path / "a.npz", noise(900), ["N"])
    assert len(open_archive(path, ECG, kind="cinc2017")) == 1
    with pytest.raises(InputError, match="of the kind cinc2017, and sleep-edf was asked for"):
        open_archive(path, ECG, kind="sleep-edf")
    with pytest.raises(InputError, match="kind 'cinc' was given; allowed are beats, cinc2017, sleep-edf, or none"):
        open_archive(path, ECG, kind="cinc")


@settings(max_examples=50, deadline=None)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6), channels=st.integers(1, 3), draw=st.data())
def test_collected_windows_come_back_whole(lengths, channels, draw):
    rng = np.random.default_rng(1)
    windows = [rng.normal(size=(channels, n)).astype(np.float32) for n in lengths]
    names = [str(i) for i in range(len(windows))]
    collected = LabelledWindows.collect(windows, names, names, names, range(len(names)), 100.0, simulated=True)
    chosen = np.array(draw.draw(st.permutations(range(len(names)))))[: draw.draw(st.integers(1, len(names)))]
    part = collected.select(chosen)
    assert len(part) == len(chosen)
    assert part.simulated
    for i, row, length, name in zip(chosen, part.samples, part.lengths, part.labels, strict=True):
        np.testing.assert_array_equal(row[:, :length], windows[i])
        assert not row[:, length:].any()
        assert name == str(i)


def test_windows_that_do_not_fit_together_are_refused():
    with pytest.raises(InputError, match="no labelled window was found"):
        LabelledWindows.collect([], [], [], [], [], 100.0)
    two = [np.zeros((1, 5), np.float32), np.zeros((2, 5), np.float32)]
    with pytest.raises(InputError, match="windows of 1 and of 2 channels"):
        LabelledWindows.collect(two, "ab", "ab", "ab", [0, 0], 100.0)


SHARES = st.lists(st.integers(0, 10), min_size=4, max_size=4).filter(any).map(lambda w: tuple(x / sum(w) for x in w))
ENTRIES = st.lists(st.tuples(st.integers(0, 40).map(str), st.sampled_from("NAO~")), min_size=1, max_size=150)


def rarest_labels(entries: list[tuple[str, str]]) -> dict[str, str]:
    """Give every subject's rarest label, the first by name among equally rare ones."""
    count = Counter(label for _, label in entries)
    labels: dict[str, set[str]] = {}
    for subject, label in entries:
        labels.setdefault(subject, set()).add(label)
    return {subject: min(own, key=lambda label: (count[label], label)) for subject, own in labels.items()}


@settings(max_examples=100, deadline=None)
@given(entries=ENTRIES, shares=SHARES, seed=st.integers(0, 2**32 - 1))
def test_a_split_holds_every_subject_once_in_shares_of_every_label(entries, shares, seed):
    subjects, labels = zip(*entries, strict=True)
    split = Split.draw(subjects, labels, seed=seed, shares=shares)
    parts = [split.subjects(part) for part in PARTS]
    assert sorted(s for part in parts for s in part) == sorted(set(subjects))
    masks = np.stack([split.mask(subjects, part) for part in PARTS])
    assert (masks.sum(0) == 1).all()
    rarest = rarest_labels(entries)
    for label, total in Counter(rarest.values()).items():
        for part, share in zip(parts, shares, strict=True):
            assert abs(sum(rarest[s] == label for s in part) - share * total) <= 1


@settings(max_examples=30, deadline=None)
@given(entries=ENTRIES, seed=st.integers(0, 1000), draw=st.data())
def test_a_split_depends_on_the_seed_and_not_on_the_order(entries, seed, draw):
    shuffled = draw.draw(st.permutations(entries))
    one, other = (Split.draw(*zip(*e, strict=True), seed=seed) for e in (entries, shuffled))
    assert one == other


def test_another_seed_is_another_split():
    subjects = [str(i) for i in range(100)]
    one, other = (Split.draw(subjects, ["N"] * 100, seed=seed).part_of for seed in (0, 1))
    assert one != other


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=ENTRIES, shares=SHARES)
def test_a_saved_split_comes_back(tmp_path, entries, shares):
    split = Split.draw(*zip(*entries, strict=True), seed=7, shares=shares)
    split.save(tmp_path / "split.json")
    assert Split.load(tmp_path / "split.json") == split
    assert [p.name for p in tmp_path.iterdir()] == ["split.json"]


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5, 0.5), (1.2, -0.2, 0.0, 0.0), (1.0, 0.0), (float("nan"),) * 4])
def test_shares_that_are_none_are_refused(shares):
    with pytest.raises(InputError, match="must be four numbers of at least 0 that add up to 1"):
        Split.draw(["a"], ["N"], seed=0, shares=shares)
    with pytest.raises(InputError, match="2 subjects and 1 labels were given"):
        Split.draw(["a", "b"], ["N"], seed=0)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"seed": 0, "shares": [1,0,0,0], "parts": {"train": "abc"}}', "\x00", "[" * 100_000, "1"],
)
def test_a_file_that_is_no_split_is_refused(tmp_path, text):
    path = tmp_path / "split.json"
    path.write_text(text)
    with pytest.raises(FormatError, match="not a split file"):
        Split.load(path)


def test_a_split_with_a_subject_in_two_parts_is_refused(tmp_path):
    path = tmp_path / "split.json"
    Split.draw(["a", "b"], ["N", "N"], seed=0).save(path)
    content = json.loads(path.read_text())
    content["parts"]["test"] = content["parts"]["train"]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="a subject stands in two parts; draw the split anew"):
        Split.load(path)
    with pytest.raises(InputError, match="there is no file"):
        Split.load(tmp_path / "absent.json")


@pytest.fixture(scope="module")
def real(data: Path) -> dict[str, tuple[str, np.ndarray]]:
    return {
        name: (label, samples) for name, label, samples, _ in cinc2017_recordings(data / "cinc2017" / "cinc2017.npz")
    }


def test_real_records_hold_the_samples_of_the_real_archive(data, real):
    windows = open_archive(data / "cinc2017" / "records", Preprocessing(fs=300.0))
    common = [i for i, name in enumerate(windows.recordings) if name in real]
    assert len(common) == len(windows) == 200
    assert Counter(windows.labels.tolist()) == dict.fromkeys("NAO~", 50)
    for i in common:
        label, samples = real[windows.recordings[i]]
        assert windows.labels[i] == label
        np.testing.assert_array_equal(windows.samples[i, 0, : windows.lengths[i]], samples)


def test_recordings_that_are_the_same_share_a_subject(data, real, tmp_path):
    for first, second in (("A00227", "A01176"), ("A02656", "A03123")):
        np.testing.assert_array_equal(real[first][1], real[second][1])
    names = ["A00227", "A01176", "A03123", "A02656", "A00001"]
    path = pack(tmp_path / "a.npz", noise(*[900] * 5), list("NNNNN"), id=np.array(names))
    assert open_archive(path, ECG).subjects.tolist() == ["A00227", "A00227", "A02656", "A02656", "A00001"]


def test_the_committed_split_is_the_one_that_its_seed_draws(real):
    split = Split.load(Path(__file__).parents[2] / "recipes" / "af.split.json")
    same = {"A01176": "A00227", "A03123": "A02656"}
    drawn = Split.draw(
        [same.get(name, name) for name in real],
        [label for label, _ in real.values()],
        seed=split.seed,
        shares=split.shares,
    )
    assert drawn == split
