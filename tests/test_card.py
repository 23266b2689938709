"""The card says what was measured, and nothing that was not."""

import re

import pytest

from auricle import Specialist
from auricle.card import card


@pytest.fixture(scope="module")
def text(made):
    return Specialist.load(made.specialist).card


def test_it_names_the_specialist_its_classes_and_its_limits(text):
    assert text.startswith("# tiny, version 7\n\nTells simulated rhythms apart, for tests.\n")
    assert "**This is research software, not a medical device.** Tests." in text
    assert "It is not for:\n\n- people\n" in text
    assert "| label | meaning | train | validation | calibration | test |" in text
    assert "| `A` | atrial fibrillation: irregular | 7 | 3 | 9 | 5 |" in text


def test_its_numbers_are_those_of_the_evaluation(made, text):
    result = made.result
    assert f"Results on the test part ({result['n']} windows, read once)" in text
    assert f"Macro F1 over N, A, O: **{result['macro_f1']:.3f}**" in text
    rows = re.findall(r"^\| (\S+) \| `(.)` \| ([\d.]+) \| (.+?) \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    assert len(rows) == 12
    for alpha, label, value, chance, n, calibration in rows:
        one = result["levels"][alpha]["coverage"][label]
        assert value == f"{one['value']:.3f}"
        assert (int(n), int(calibration)) == (one["n"], one["calibration_n"])
        # Nothing is promised for an uncovered class, so no interval may stand there.
        assert chance == ("uncovered" if alpha == "0.05" else f"{one['low']:.3f} to {one['high']:.3f}")
    difference = result["faithfulness"]["difference"]
    assert f"(difference {difference:.2f}, 95 % interval" in text


def test_it_states_the_smallest_calibration(text):
    assert "4 for alpha 0.2, 9 for alpha 0.1, 19 for alpha 0.05, 99 for alpha 0.01" in text


def test_a_share_of_no_window_is_not_a_number(made):
    specialist = Specialist.load(made.specialist)
    result = {**made.result, "levels": {"0.1": dict(made.result["levels"]["0.1"])}}
    result["levels"]["0.1"]["share"] = {"confident": 0.0, "uncertain": 0.0, "unfamiliar": 1.0, "uncalibrated": 0.0}
    assert re.search(r"\| 0\.000 \| 0\.000 \| 1\.000 \| - \| - \|", card(specialist, result))


def test_without_a_scored_class_there_is_no_macro_f1(made):
    text = card(Specialist.load(made.specialist), {**made.result, "macro_f1_over": []})
    assert "No scored class is present (F1: N " in text
    assert "Macro F1" not in text.replace("macro F1", "")


def test_a_simulated_origin_and_left_out_classes_are_said(made):
    specialist = Specialist.load(made.specialist)
    manifest = specialist.manifest()
    specialist.manifest_ = manifest.model_copy(update={"provenance": {**manifest.provenance, "simulated": True}})
    specialist.calibration_ = type(specialist.calibration_).from_dict(
        {**specialist.calibration_.to_dict(), "leave_out": ["~"]}
    )
    text = card(specialist, {})
    assert "no result here says anything about people" in text
    assert "Left out of all sets, nothing is promised: ~." in text
    assert "Results on" not in text


def test_its_input_is_counted_in_leads(text):
    assert "- Input: 1 lead at 60 Hz in mV.\n" in text


def test_windows_around_beats_are_described_as_such():
    specialist = Specialist.load("beats")
    text = card(specialist, {})
    assert "- Input: 1 lead at 100 Hz in mV, and a channel in which the beats are marked.\n" in text
    assert "- A window of 5 s around each beat, in which that beat and its neighbours are marked." in text


def test_the_shipped_card_is_that_of_the_shipped_weights(af):
    assert af.card.startswith(f"# af, version {af.manifest().version}")
    assert "PhysioNet/CinC Challenge 2017" in af.card
    assert re.search(r"Macro F1 over N, A, O: \*\*0\.[78]\d\d\*\*", af.card)
