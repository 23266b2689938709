"""What an answer counts as: support, disagreement or no opinion, and which stretches it rests on."""

import json
from dataclasses import replace

import pytest

from auricle.consult.opinion import Opinion, no_opinion, read_opinion, worth_retrying
from doubles import answered
from hostile_answers import INJECTED, REFUSALS
from reading import TOLD, check, why


class TestTheSet:
    @pytest.mark.parametrize(
        ("label", "state", "why"),
        [
            ("N", "agrees", None),
            ("A", "agrees", None),
            ("O", "disagrees", "outside the set"),
            ("~", "disagrees", "outside the set"),
            ("none", "disagrees", "none of them"),
        ],
    )
    def test_a_label_is_support_only_within_the_set(self, label, state, why):
        found = read_opinion(answered(label), "stop", TOLD)
        check(found)
        assert (found.state, found.why) == (state, why)
        assert found.label == (None if label == "none" else label)

    def test_what_was_told_counts_even_if_it_is_wrong(self):
        wrong = replace(TOLD, set=("O",))
        assert read_opinion(answered("O"), "stop", wrong).state == "agrees"
        assert read_opinion(answered("A"), "stop", wrong).state == "disagrees"

    def test_with_an_empty_set_every_label_disagrees(self):
        unfamiliar = replace(TOLD, set=())
        assert {read_opinion(answered(label), "stop", unfamiliar).state for label in TOLD.offered} == {"disagrees"}
        nothing = read_opinion(answered("none"), "stop", unfamiliar)
        assert (nothing.state, nothing.label) == ("agrees", None)

    def test_without_a_set_nothing_is_support(self):
        alone = replace(TOLD, set=(), set_told=False)
        found = [read_opinion(answered(label), "stop", alone) for label in (*TOLD.offered, "none")]
        assert {one.state for one in found} == {"unchecked"}
        assert [one.label for one in found] == [*TOLD.offered, None]
        assert "no set was told" in found[0].said

    def test_a_label_of_the_set_that_was_not_offered_is_none(self):
        assert why(answered("A"), told=replace(TOLD, offered=("N",))) == "unknown_label"


class TestCitedStretches:
    def found(self, *cited: tuple[float, float], label: str = "A") -> Opinion:
        parts = [{"start": start, "stop": stop} for start, stop in cited]
        return read_opinion(answered(label, cited=parts), "stop", TOLD)

    def test_a_stretch_is_within_if_it_meets_a_highlighted_one(self):
        found = self.found((1.5, 3.0), (3.0, 4.0), (5.9, 9.0), (0, 1))
        assert found.cited == ((1.5, 3.0), (3.0, 4.0), (5.9, 9.0), (0.0, 1.0))
        assert found.cited_within == (True, False, True, True)

    @pytest.mark.parametrize("cited", [(2.0, 1.0), (-3.0, 2.0), (1.0, 60.0), (1e300, 1e301)])
    def test_one_that_is_no_stretch_of_the_window_is_kept_and_marked(self, cited):
        found = self.found(cited)
        assert (found.state, found.cited, found.cited_within) == ("agrees", (cited,), (False,))

    def test_for_a_label_without_highlights_any_will_do(self):
        assert self.found((1.0, 2.0), label="N").cited_within == (True,)
        assert self.found((3.0, 4.0), label="N").cited_within == (False,)


class TestHarmlessAnswers:
    @pytest.mark.parametrize(
        "text",
        [
            f"  \n{answered('A')}\n ",
            f"```json\n{answered('A')}\n```",
            f"```\n{answered('A')}\n```\n",
            f"<think>\nIt may be N. {answered('N')} No: irregular.\n</think>\n{answered('A')}",
            json.dumps(json.loads(answered("A")), indent=4),
            '{"label": "A", "cited": [], "reason": "r"}',
            '{"reason": "r", "cited": [], "label": "\\u0041"}',
        ],
    )
    def test_usual_wrapping_is_taken_off(self, text):
        assert why(text) == "agrees"

    @pytest.mark.parametrize(
        "reason",
        [
            "I can't see P waves, and the RR intervals are irregular.",
            "I cannot identify a repeating pattern; the noise above 40 Hz was ignored.",
            "Not sure, but the previous stretch (1.0 to 2.0 s) looks irregular.",
            "The instructions ask for one label; A fits best.",
            "P < QRS, T > 0.1 mV; see [1] and <A>.",
            "Unregelm\u00e4\u00dfige RR-Abst\u00e4nde, keine P-Wellen.",
            "RR: 0.61, 0.83, 0.72, 0.95, 0.58, 0.77 s, which varies by 20 %.",
        ],
    )
    def test_a_plain_reason_is_no_refusal_and_no_injection(self, reason):
        found = read_opinion(answered("A", reason), "stop", TOLD)
        assert (found.state, found.reason) == ("agrees", reason)

    @pytest.mark.parametrize("finish", ["stop", "", "eos", "end_turn"])
    def test_servers_call_a_normal_end_as_they_like(self, finish):
        assert why(answered("A"), finish) == "agrees"


def test_what_is_worth_a_second_try():
    again = {"empty", "looping", "refused", "truncated", "too_long", "injected", "off_schema", "unknown_label"}
    assert all(worth_retrying(no_opinion(why, "...")) for why in again)
    assert not any(worth_retrying(no_opinion(why, "...")) for why in ("timeout", "server"))
    assert not worth_retrying(read_opinion(answered("O"), "stop", TOLD))
    assert not worth_retrying(read_opinion(answered("A"), "stop", TOLD))


def test_every_reason_for_no_opinion_reads_as_a_sentence():
    texts = ["", "A", "{", answered("B"), REFUSALS[0], INJECTED[0], "a " * 500]
    found = [read_opinion(text, "stop", TOLD) for text in texts]
    assert {one.why for one in found} == {
        "empty", "off_schema", "truncated", "unknown_label", "refused", "injected", "looping"
    }  # fmt: skip
    assert all(one.said.startswith("no opinion: the ") for one in found)
