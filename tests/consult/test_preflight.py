"""What a server can do is found out before anything of a recording is sent."""

import json

import pytest

from auricle.consult.briefing import Briefing, Picture
from auricle.consult.consulting import Consultant
from auricle.consult.failures import BusyError, RequestRefusedError, UnreachableError
from auricle.consult.parameters import Parameters
from auricle.consult.preflight import preflight
from auricle.consult.server import Server
from auricle.errors import InputError
from doubles import MODEL, Says, endpoint, failing, follows, hello, prose, says, schooled, serving
from lacking import blind, deaf_to_system, text_only, without_system


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
        assert found.system
        assert len(seen.asked) == 4

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
        assert (found.schemas, found.lengths, len(seen.asked)) == (True, False, 5)

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

    @pytest.mark.parametrize(
        "odd", ["", "a\nb", "\x1b[2J", "](javascript:x)", "<img>", "|", "x" * 201, "\ud800", "a\u202eb"]
    )
    def test_a_listed_name_that_is_none_is_passed_over(self, odd):
        # What a server calls its model stands on the screen and in the page of a trial.
        with serving(schooled, models=[odd, "a/b-1.5:latest"]) as seen:
            found = preflight(endpoint(seen.url, model=""))
        assert (found.model, found.models) == ("a/b-1.5:latest", ("a/b-1.5:latest",))

    def test_nothing_but_the_questions_is_sent(self):
        with serving(schooled) as seen:
            preflight(endpoint(seen.url))
        ours = "You are asked by a program that finds out what you take. Answer in one short word."
        assert {line for asks in seen.asked for line in asks.text.splitlines()} == {"Say hello.", ours}

    @pytest.mark.parametrize("status", [400, 422, 500])
    @pytest.mark.parametrize("sees", [True, False])
    def test_without_a_system_role_its_text_begins_the_question(self, status, sees):
        talks = lambda asks: schooled(asks) if "Say hello" in asks.text else follows()(asks)  # noqa: E731
        behave = without_system(talks if sees else text_only(talks), status)
        picture = Picture(name="plain", png=b"p", width=9, height=9, caption="a caption")
        told = Briefing(
            parts=("the window", picture, "the question"), offered=("N",), set=("N",), segments={}, window=9.0,
            instructions="reason first",
        )  # fmt: skip
        with serving(behave) as seen:
            place = endpoint(seen.url, most_tries=1)
            found = preflight(place)
            (heard,) = Consultant(server=Server(place), abilities=found).ask(1, lambda _: told)
        assert (found.system, found.pictures, found.schemas) == (False, sees, True)
        assert "It takes no system message, so what would stand there begins the question." in found.said
        assert heard.opinion.label == "N"
        (message,) = seen.asked[-1].body["messages"]
        assert message["role"] == "user"
        assert seen.asked[-1].text.startswith("reason first\n")
        assert seen.asked[-1].pictures == sees

    def test_a_system_message_that_is_dropped_is_noticed(self):
        with serving(deaf_to_system(schooled)) as seen:
            found = preflight(endpoint(seen.url))
        assert (found.system, found.pictures, found.schemas) == (False, True, True)

    def test_nobody_there(self):
        with serving(says("N")) as seen:
            url = seen.url
        with pytest.raises(UnreachableError):
            preflight(endpoint(url, most_tries=1))


def newer(behave, *, temperature=True, seed=True, limit="max_completion_tokens", param=True):
    """Refuse what newer hosted models refuse, one parameter at a time, in the words of OpenAI's API."""
    refusals = [
        ("max_tokens", limit != "max_tokens", f"Unsupported parameter: 'max_tokens'. Use '{limit}' instead."),
        ("temperature", not temperature, "Unsupported value: 'temperature' does not support 0 with this model."),
        ("seed", not seed, "Unrecognized request argument supplied: seed"),
    ]

    def asked(asks):
        for name, refused, said in refusals:
            if refused and name in asks.body:
                error = {"message": said, "type": "invalid_request_error", "param": name if param else None}
                return Says(status=400, raw=json.dumps({"error": error}).encode())
        return behave(asks)

    return asked


class TestParameters:
    @pytest.mark.parametrize("param", [True, False])
    def test_what_a_newer_model_refuses_is_left_out_and_said(self, param):
        with serving(newer(schooled, temperature=False, param=param)) as seen:
            found = preflight(endpoint(seen.url))
        assert (found.pictures, found.schemas) == (True, True)
        assert found.parameters == Parameters(limit="max_completion_tokens", temperature=False, thinks=True)
        assert "It refuses temperature 0, so the same question may be answered differently." in found.said
        assert "4000 tokens more" in found.said
        taken = [asks.body for asks in seen.asked[2:]]
        assert all(body["seed"] == 0 and body["max_completion_tokens"] > 4000 for body in taken)
        assert not any({"max_tokens", "temperature"} & body.keys() for body in taken)

    def test_only_what_is_refused_is_left_out(self):
        with serving(newer(schooled, seed=False, limit="max_tokens")) as seen:
            found = preflight(endpoint(seen.url))
        assert found.parameters == Parameters(seed=False)
        assert "It refuses a seed, so" in found.said
        assert {"temperature": 0, "max_tokens": 8}.items() <= seen.asked[1].body.items()

    def test_names_in_a_list_of_faults_are_found(self):
        faults = [{"loc": ["body", name], "msg": "Extra inputs are not permitted"} for name in ("seed", "temperature")]

        def behave(asks):
            wrong = "seed" in asks.body
            return Says(status=422, raw=json.dumps({"detail": faults}).encode()) if wrong else schooled(asks)

        with serving(behave) as seen:
            found = preflight(endpoint(seen.url))
        assert found.parameters == Parameters(seed=False, temperature=False)
        assert "refuses temperature 0 and a seed" in found.said

    @pytest.mark.parametrize(
        "said", ["the model doubao-seed-1-6 is not for you", "no", "seeds and my_temperature", "max_completion_tokens"]
    )
    def test_a_refusal_that_names_no_parameter_is_passed_on(self, said):
        with serving(lambda _: failing(400, said)) as seen, pytest.raises(RequestRefusedError, match="refuses the req"):
            preflight(endpoint(seen.url))
        assert len(seen.asked) == 1

    def test_a_server_that_refuses_whatever_is_left_is_given_up(self):
        said = "temperature, seed, max_tokens and max_completion_tokens are all wrong"
        with serving(lambda _: failing(400, said)) as seen, pytest.raises(RequestRefusedError):
            preflight(endpoint(seen.url))
        assert len(seen.asked) == 2

    @pytest.mark.parametrize("text", ["", "<think>\nThe user wants"])
    def test_one_that_thinks_first_is_given_room(self, text):
        def behave(asks):
            return Says(text, finish="length") if asks.body["max_tokens"] < 4000 else schooled(asks)

        with serving(behave) as seen:
            found = preflight(endpoint(seen.url))
        assert (found.schemas, found.pictures, found.parameters) == (True, True, Parameters(thinks=True))

    def test_requests_say_what_was_found_out(self, tmp_path):
        behave = lambda asks: schooled(asks) if "Say hello" in asks.text else follows()(asks)  # noqa: E731
        with serving(newer(behave, temperature=False, seed=False)) as seen:
            place = endpoint(seen.url)
            consultant = Consultant(server=Server(place, cache=tmp_path), abilities=preflight(place))
            before = len(seen.asked)
            told = Briefing(parts=("...",), offered=("N",), set=("N",), segments={}, window=9.0, instructions="...")
            first, second = consultant.request(told), consultant.request(told, again=True)
            (heard,) = consultant.ask(1, lambda _: told)
        assert heard.opinion.label == "N"
        body = seen.asked[before].body
        assert body == first.body
        assert body["max_completion_tokens"] == 4700
        assert not {"max_tokens", "temperature", "seed"} & body.keys()
        # Without a seed the second question would be the first, and the answer kept to that would come again.
        assert first.hash != second.hash
        assert "could not be used" in second.text
