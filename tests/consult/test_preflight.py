"""What a server can do is found out before anything of a recording is sent."""

import json

import pytest

from auricle.consult.failures import BusyError, UnreachableError
from auricle.consult.preflight import preflight
from auricle.errors import InputError
from doubles import MODEL, Says, blind, endpoint, failing, hello, prose, says, schooled, serving, text_only


class TestPreflight:
    @pytest.mark.parametrize(
        ("behave", "pictures", "schemas", "said"),
        [
            (schooled, True, True, "/v1 takes pictures and keeps to a JSON schema."),
            (hello, True, False, "/v1 takes pictures and ignores a JSON schema, so it is described in words."),
            (prose, True, False, "/v1 takes pictures and ignores a JSON schema, so it is described in words."),
            (
                text_only(schooled),
                False,
                True,
                "takes no pictures, so text stands in for them, and keeps to a JSON schema.",
            ),
            (blind(schooled), False, True, "drops pictures without a word, so text stands in for them, and keeps"),
        ],
    )
    def test_it_finds_out_both(self, behave, pictures, schemas, said):
        with serving(behave) as seen:
            found = preflight(endpoint(seen.url))
        assert (found.pictures, found.schemas, found.models) == (pictures, schemas, (MODEL,))
        assert found.said.startswith(f"double at {seen.url} ")
        assert said in found.said
        assert len(seen.asked) == 3

    @pytest.mark.parametrize(("greeting", "lengths"), [("hi", True), ("hello", False)])
    def test_lengths_are_kept_if_the_greeting_is_short(self, greeting, lengths):
        answer = json.dumps({"colour_code": "k7", "greeting": greeting})
        with serving(lambda asks: Says(answer) if asks.schema else hello(asks)) as seen:
            found = preflight(endpoint(seen.url))
        assert (found.schemas, found.lengths) == (True, lengths)

    def test_a_server_that_refuses_lengths_is_asked_without(self):
        def behave(asks):
            return failing(400, "maxLength is not permitted") if "maxLength" in str(asks.schema) else schooled(asks)

        with serving(behave) as seen:
            found = preflight(endpoint(seen.url))
        assert (found.schemas, found.lengths, len(seen.asked)) == (True, False, 4)

    @pytest.mark.parametrize(
        "answer", ['{"colour_code": "k7"}', '{"colour_code": "k7", "greeting": 3}', "[]", "[" * 99]
    )
    def test_half_a_schema_is_none(self, answer):
        with serving(lambda asks: Says(answer) if asks.schema else hello(asks)) as seen:
            assert not preflight(endpoint(seen.url)).schemas

    def test_a_refusal_of_either_means_no(self):
        def behave(asks):
            return failing(400, "unsupported") if asks.schema or asks.pictures else hello(asks)

        with serving(behave) as seen:
            found = preflight(endpoint(seen.url))
        assert (found.pictures, found.schemas) == (False, False)
        assert "refuses a JSON schema" in found.said

    def test_a_server_that_breaks_at_a_picture_takes_none(self):
        with serving(lambda asks: Says(drop=True, text="x" * 50) if asks.pictures else schooled(asks)) as seen:
            found = preflight(endpoint(seen.url, most_tries=1))
        assert not found.pictures
        assert "fails at a picture" in found.said

    def test_a_busy_server_is_not_taken_for_an_unable_one(self):
        behave = lambda asks: failing(429) if asks.pictures else schooled(asks)  # noqa: E731
        with serving(behave) as seen, pytest.raises(BusyError):
            preflight(endpoint(seen.url, most_tries=1))

    def test_a_server_without_a_list_of_models_is_fine(self):
        with serving(schooled, models=None) as seen:
            assert preflight(endpoint(seen.url)).models == ()

    def test_the_only_model_is_meant(self):
        with serving(schooled, models=["lone"]) as seen:
            assert preflight(endpoint(seen.url, model="")).model == "lone"
        assert seen.asked[0].body["model"] == "lone"

    @pytest.mark.parametrize(
        ("models", "said"), [(["a", "b"], "has a, b; name one with --model"), (None, "does not say which it has")]
    )
    def test_one_of_several_must_be_named(self, models, said):
        with serving(schooled, models=models) as seen, pytest.raises(InputError, match=said):
            preflight(endpoint(seen.url, model=""))

    def test_a_model_that_is_not_listed_is_said(self):
        with serving(schooled, models=["other"]) as seen:
            assert "does not list this model; it lists other" in preflight(endpoint(seen.url)).said

    def test_nothing_but_the_questions_is_sent(self):
        with serving(schooled) as seen:
            preflight(endpoint(seen.url))
        assert {asks.text for asks in seen.asked} == {"Say hello."}

    def test_nobody_there(self):
        with serving(says("N")) as seen:
            url = seen.url
        with pytest.raises(UnreachableError):
            preflight(endpoint(url, most_tries=1))
