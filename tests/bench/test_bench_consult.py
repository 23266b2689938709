"""What asking costs is measured: more at once is faster, pictures weigh something, the page holds what was found."""

import json

import pytest

from auricle.bench import consult
from auricle.errors import InputError
from auricle.specialist import Specialist


@pytest.fixture(scope="module")
def result():
    return consult.run(Specialist.load("af"), windows=3, delay=0.6, rounds=1)


def test_several_at_once_are_faster_and_never_more_than_can_be(result):
    found = result["asking"]
    assert list(found) == ["1", "2", "4", "8", "16"]
    assert found["1"]["speedup"]["median"] == 1
    assert [one["most"] for one in found.values()] == [1, 1.5, 3, 3, 3]
    assert found["1"]["seconds"]["median"] >= 3 * 0.6
    # A little more than there can be, as the slower one is timed with its own delays.
    assert 1.3 < found["4"]["speedup"]["median"] <= 3 * 1.2


def test_briefings_are_made_while_others_are_asked_about(result):
    used = result["in_use"]
    assert used["windows"] == 3
    # Of three answers of 0.6 s two are hidden by the making of the next; a busy machine takes its share.
    assert 0.6 < used["meanwhile"] < 1.5 * used["before"]


def test_a_picture_costs_time_and_bytes(result):
    made = result["briefing"]
    size = {show: one["request_bytes"]["median"] for show, one in made.items()}
    assert size["none"] < size["plain"] < size["evidence"]
    # A picture is sent in base64: four bytes for three.
    assert size["plain"] - size["none"] > 4 / 3 * result["picture_bytes"]["low"] * 0.9
    assert made["none"]["seconds"]["median"] < made["evidence"]["seconds"]["median"]
    assert all(one["per_second"] > 0 for one in made.values())


def test_page_and_figure_hold_what_was_found(result, tmp_path):
    page = consult.markdown(result, "auricle bench consult")
    assert f"| a picture, kB | {result['picture_bytes']['median'] / 1000:.0f} |" in page
    assert "4 at once" in page
    consult.figure(result, tmp_path / "consult.png")
    assert (tmp_path / "consult.png").read_bytes()[:4] == b"\x89PNG"
    json.dumps(result, allow_nan=False)


@pytest.mark.parametrize("delay", [0.0, -1.0, 31.0, float("nan")])
def test_a_delay_out_of_range_is_told(delay):
    with pytest.raises(InputError, match="must be above 0 and at most 30, in s"):
        consult.run(Specialist.load("af"), windows=1, delay=delay)
