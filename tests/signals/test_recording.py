import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.errors import InputError
from auricle.signals import Annotation, Recording

RNG = np.random.default_rng(3)
SAMPLES = RNG.normal(size=(3, 1000)).astype(np.float32)


def three(**options):
    given = {"channels": ("MLII", "V5", "Temp"), "units": ("mV", "uV", "DegC"), "id": "100", **options}
    return Recording.from_array(SAMPLES, 250, **given)


def test_from_array_keeps_what_it_is_given():
    note = Annotation(start=1.0, text="V")
    recording = three(subject="s1", annotations=[note], simulated=True)
    assert recording.fs == 250.0
    assert recording.duration == 4.0
    assert recording.subject == "s1"
    assert recording.annotations == (note,)
    assert recording.simulated
    np.testing.assert_array_equal(recording.samples(), SAMPLES)
    assert repr(recording) == "Recording('100', MLII and V5 and Temp, 250 Hz, 4 s, simulated)"


def test_annotations_are_in_order_of_time():
    notes = [Annotation(start=t) for t in (3.0, 1.0, 2.0)]
    assert [note.start for note in three(annotations=notes).annotations] == [1.0, 2.0, 3.0]


def test_one_row_may_be_given_flat_and_integers_become_float32():
    recording = Recording.from_array([1, 2, 3], 1.0, units="mV")
    assert recording.channels == ("channel 1",)
    assert recording.samples().dtype == np.float32
    assert recording.samples().tolist() == [[1, 2, 3]]


def test_what_is_read_can_be_changed_without_changing_the_recording():
    recording = three()
    recording.samples()[:] = 0
    np.testing.assert_array_equal(recording.samples(), SAMPLES)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_a_stretch_is_a_slice(a, b):
    a, b = sorted((a, b))
    np.testing.assert_array_equal(three().samples(a, b), SAMPLES[:, a:b])


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (0, 1001), (5, 4)])
def test_a_stretch_outside_is_refused(start, stop):
    with pytest.raises(
        InputError, match=f"samples {start} to {stop} of recording 100 were asked for; it has 0 to 1000"
    ):
        three().samples(start, stop)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: Recording.from_array(np.zeros((1, 0)), 100), "holds no samples"),
        (lambda: Recording.from_array(np.zeros((0, 10)), 100), "holds no samples"),
        (lambda: Recording.from_array(np.zeros((1, 2, 3)), 100), r"shape \(1, 2, 3\); allowed are \(channels, time\)"),
        (lambda: Recording.from_array(np.zeros(5), 0), "a rate of 0 Hz; it must be above 0"),
        (lambda: Recording.from_array(np.zeros(5), float("nan")), "a rate of nan Hz"),
        (lambda: Recording.from_array(np.array(["a"]), 100), "no real numbers"),
        (lambda: Recording.from_array(np.zeros(5, complex), 100), "complex128 are no real numbers"),
        (lambda: Recording.from_array(np.zeros((2, 5)), 100, channels=("I",)), "2 rows of samples and 1 channel names"),
        (lambda: Recording.from_array(np.zeros((2, 5)), 100, units=("mV",)), "2 channels and 1 units; give one per"),
    ],
)
def test_bad_arrays_are_refused_in_words(call, text):
    with pytest.raises(InputError, match=text):
        call()


def test_choose_selects_in_order_and_converts():
    chosen = three().choose((("V5",), ("II", "I")), "uV")
    assert chosen.channels == ("V5", "MLII")
    assert chosen.units == ("uV", "uV")
    np.testing.assert_array_equal(chosen.samples(10, 20), SAMPLES[[1, 0], 10:20] * np.float32([[1], [1000]]))


def test_choose_of_a_choice():
    twice = three().choose((("0",), ("1",)), "uV").choose((("V5",),), "mV")
    np.testing.assert_allclose(twice.samples(), SAMPLES[1:2] * 1e-3, rtol=1e-6)


def test_a_choice_keeps_subject_annotations_and_the_mark_of_a_simulation():
    chosen = three(subject="s1", simulated=True, annotations=[Annotation(start=0.0, text="N")]).choose((("V5",),), "mV")
    assert (chosen.subject, chosen.simulated, chosen.annotations[0].text) == ("s1", True, "N")


def test_a_missing_lead_is_named_with_what_is_there():
    with pytest.raises(InputError) as caught:
        three().choose((("I", "ECG"),), "mV")
    assert str(caught.value) == (
        "recording 100 has no channel I or ECG; it has 'MLII', 'V5', 'Temp'. "
        "Give the one to use with --lead, by name or by number from 0: --lead 'MLII' or --lead 0"
    )


def test_an_error_names_no_more_channels_than_a_person_reads_and_obeys_none_of_them():
    names = ["\x1b[2J" + "E" * 1000, *(f"c{i}" for i in range(255))]
    recording = Recording.from_array(np.zeros((256, 9)), 250, channels=names, units="mV", id="a\nb")
    with pytest.raises(InputError) as caught:
        recording.choose((("II",),), "mV")
    text = str(caught.value)
    assert text.isprintable()
    assert text.startswith("recording a\\nb has no channel II; it has '\\x1b[2JEEEE")
    assert "'c22' and 232 more. Give the one" in text
    assert len(text) < 500


def test_bytes_that_are_no_text_are_marked_in_every_name():
    recording = Recording.from_array(
        np.zeros((1, 9)), 250, channels=("\udce9",), units="\udce9V", id="caf\udce9", subject="\ud800x"
    )
    told = (recording.id, *recording.channels, *recording.units, recording.subject)
    assert told == ("caf\ufffd", "\ufffd", "\ufffdV", "\ufffdx")


def test_samples_beyond_float32_are_missing_and_nothing_is_warned():
    assert np.isinf(Recording.from_array(np.full(9, 1e300), 250).samples()).all()


@pytest.mark.parametrize(("unit", "stated"), [("DegC", "in 'DegC', which is no voltage"), ("", "without a unit")])
def test_a_unit_that_is_no_voltage_is_refused(unit, stated):
    recording = Recording.from_array(SAMPLES[:1], 250, channels=("ECG",), units=unit, id="x")
    with pytest.raises(InputError) as caught:
        recording.choose((), "mV")
    assert str(caught.value) == (
        f"channel 'ECG' of recording x is {stated}; "
        'if you know what its numbers are in, say so with --unit mV (unit="mV" in Python)'
    )


def test_the_unit_asked_for_must_be_a_voltage():
    with pytest.raises(InputError, match="'furlong' was asked for as the unit; allowed are V, mV, uV and nV"):
        three().choose((("V5",),), "furlong")


def test_a_lone_ecg_channel_stands_for_any_single_ecg_lead():
    recording = Recording.from_array(SAMPLES[:1], 250, channels=("ECG",), units="mV")
    assert recording.choose((("I", "II"),), "mV").channels == ("ECG",)
    with pytest.raises(InputError, match="no channel II;"):
        recording.choose((("II",), ("V1",)), "mV")


def test_a_folder_and_a_missing_and_a_foreign_file_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"is a folder; find_recordings\("):
        Recording.read(tmp_path)
    with pytest.raises(InputError, match=r"there is no file .*nothing, nor a WFDB record of that name"):
        Recording.read(tmp_path / "nothing")
    foreign = tmp_path / "scan.dcm"
    foreign.write_bytes(b"DICM")
    with pytest.raises(InputError, match=r"scan.dcm is no recording by its name; read are WFDB .*NPZ"):
        Recording.read(foreign)


def test_a_lead_may_be_named_by_its_number_among_the_channels_of_all_rates(tmp_path, write):
    recording = Recording.read(write.edf(tmp_path))
    for number, name in enumerate(("EEG Fpz-Cz", "EEG Pz-Oz")):
        assert recording.choose(((str(number),),), "uV").channels == (name,)
    with pytest.raises(InputError, match="channel 'Temp rectal' of recording psg is in 'DegC'"):
        recording.choose((("2",),), "uV")
    with pytest.raises(InputError, match="recording psg has no channel 3; it has 'EEG Fpz-Cz', 'EEG Pz-Oz' at 100 Hz"):
        recording.choose((("3",),), "uV")
