"""The exact request: its bytes, its pictures, its text alone, and what a person finds in a folder."""

import base64
import hashlib
import json
from dataclasses import replace

import jsonschema
import pytest

from auricle.consult import Guard, IdentifyingError, Request, brief, request_of
from auricle.errors import InputError
from auricle.signals.simulate import sinus
from window_findings import DEFINITIONS, finding_on

RECORDING = sinus(6, seed=1)


@pytest.fixture(scope="module")
def told():
    return brief(finding_on(RECORDING), RECORDING, definitions=DEFINITIONS)


def test_the_body_is_that_of_a_chat_completion(told):
    body = request_of(told, model="some-model", seed=3, most_tokens=55).body
    assert {key: body[key] for key in ("model", "temperature", "seed", "max_tokens")} == {
        "model": "some-model", "temperature": 0, "seed": 3, "max_tokens": 55,
    }  # fmt: skip
    system, user = body["messages"]
    assert system == {"role": "system", "content": told.instructions}
    assert user["role"] == "user"
    form = body["response_format"]["json_schema"]
    assert (body["response_format"]["type"], form["strict"]) == ("json_schema", True)
    assert set(form["schema"]["properties"]["label"]["enum"]) == {"N", "A", "none"}
    jsonschema.Draft202012Validator.check_schema(form["schema"])


def test_lengths_are_bounded_only_where_the_server_takes_that(told):
    def form(**options):
        return request_of(told, model="m", **options).body["response_format"]["json_schema"]["schema"]["properties"]

    assert "maxLength" not in form()["reason"]
    assert "maxItems" not in form()["cited"]
    bounded = form(lengths=True)
    assert 200 <= bounded["reason"]["maxLength"] <= 1000
    assert bounded["cited"]["maxItems"] >= 4


def test_text_and_pictures_stand_in_their_order(told):
    content = request_of(told, model="m").body["messages"][1]["content"]
    assert [part["type"] for part in content] == [
        "text" if isinstance(part, str) else "image_url" for part in told.parts
    ]
    for part, sent in zip(told.parts, content, strict=True):
        if isinstance(part, str):
            assert sent["text"] == part
        else:
            head, _, data = sent["image_url"]["url"].partition(",")
            assert head == "data:image/png;base64"
            assert base64.b64decode(data, validate=True) == part.png


def test_equal_briefings_give_equal_bytes_and_any_change_another_hash(told):
    request = request_of(told, model="m")
    again = request_of(brief(finding_on(RECORDING), RECORDING, definitions=DEFINITIONS), model="m")
    assert (request.content, request.hash) == (again.content, again.hash)
    assert request.hash == hashlib.sha256(request.content).hexdigest()
    assert json.loads(request.content) == request.body
    changed = [
        request_of(told, model="n"),
        request_of(told, model="m", seed=1),
        request_of(told, model="m", pictures=False),
    ]
    assert len({request.hash, *(one.hash for one in changed)}) == 4


def test_keys_are_in_order_without_blanks(told):
    request = Request(body={"b": [1, {"d": "é", "c": None}], "a": 0.5}, briefing=told)
    assert request.content.decode() == '{"a":0.5,"b":[1,{"c":null,"d":"é"}]}'


def test_without_pictures_the_text_says_so_and_measurements_stand_in(told):
    request = request_of(told, model="m", pictures=False)
    content = request.body["messages"][1]["content"]
    assert isinstance(content, str)
    assert "No picture could be sent to this server." in content
    assert "Picture 1" not in content
    assert content.count("\n- heart rate ") == 1
    assert content.endswith(str(told.parts[-1]))
    assert request.pictures == ()
    bare = brief(
        finding_on(RECORDING), RECORDING, definitions=DEFINITIONS, show="plain", numbers=False, measurements=False
    )  # fmt: skip
    assert "heart rate" not in request_of(bare, model="m").text
    assert "\n- heart rate " in request_of(bare, model="m", pictures=False).text


def test_a_briefing_that_has_no_pictures_excuses_none():
    bare = brief(finding_on(RECORDING), RECORDING, definitions=DEFINITIONS, show="none")
    sent = [request_of(bare, model="m", pictures=pictures).content for pictures in (True, False)]
    assert sent[0] == sent[1]
    assert b"No picture could be sent" not in sent[0]


def test_without_a_schema_the_form_is_described_in_words(told):
    request = request_of(told, model="m", schema=False)
    assert "response_format" not in request.body
    last = request.body["messages"][1]["content"][-1]["text"]
    assert "Answer with one JSON object and nothing else" in last
    order = [last.index(f'"{key}"') for key in ("reason", "cited", "label")]
    assert order == sorted(order)
    assert '("N", "A", "none")' in last


def test_a_dry_run_writes_exactly_what_would_be_sent(told, tmp_path):
    request = request_of(told, model="m")
    folder = tmp_path / "a" / "b"
    first = request.write(folder)
    assert [path.name for path in first] == [
        "request-0.json", "request-0-plain.png", "request-0-evidence-0.png", "request-0-evidence-1.png",
    ]  # fmt: skip
    assert hashlib.sha256(first[0].read_bytes()).hexdigest() == request.hash
    assert [path.read_bytes() for path in first[1:]] == [picture.png for picture in told.pictures]
    assert request_of(told, model="m", pictures=False).write(folder) == (folder / "request-1.json",)
    assert request.write(folder, number=7)[0].name == "request-7.json"
    assert request.write(folder, name="0a1b")[1].name == "request-0a1b-plain.png"
    assert len(list(folder.iterdir())) == 13


def test_a_folder_that_cannot_be_made_is_named(told, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file.* can't be made .*; name another folder"):
        request_of(told, model="m").write(tmp_path / "file" / "x")


@pytest.mark.parametrize("part", ["text", "instructions", "schema"])
def test_a_request_with_identifying_text_cannot_be_made(told, part):
    guard = Guard(marked={"jane doe": "the subject"})
    spoiled = {
        "text": replace(told, parts=("Jane Doe was recorded.", *told.parts), guard=guard),
        "instructions": replace(told, instructions="About Jane Doe.", guard=guard),
        "schema": replace(told, offered=("Jane Doe",), guard=guard),
    }[part]
    with pytest.raises(IdentifyingError, match="a briefing holds the subject of the recording"):
        request_of(spoiled, model="m")


def test_the_guard_reads_no_pictures_and_no_name_of_a_model(told):
    # A picture's letters of base64 may spell anything, and a local server calls its model by a path.
    guard = Guard(marked={base64.b64encode(told.pictures[0].png).decode()[:4].lower(): "the subject"})
    assert request_of(replace(told, guard=guard), model="/models/seen-2024-01-31.gguf").pictures == told.pictures


@pytest.mark.parametrize(
    "name", ["array", "object", "user", "system", "text", "signal", "window", "model", "messages", "label"]
)
def test_a_recording_may_be_called_by_a_word_of_every_request(name):
    recording = sinus(6, seed=1, id=name)
    for schema in (True, False):
        told = brief(finding_on(recording), recording, definitions=DEFINITIONS, show="none")
        request_of(told, model="m", schema=schema)
