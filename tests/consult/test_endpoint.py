"""Which addresses are taken, and where a key goes."""

import pytest

from auricle.consult.endpoint import Endpoint, key_for
from auricle.consult.failures import ServerError
from auricle.consult.server import Server
from auricle.errors import InputError
from doubles import endpoint, failing, one, question, says, serving

KEY = "sk-secret-0123456789"


class TestEndpoint:
    @pytest.mark.parametrize(
        "url", ["", "localhost:8000", "ftp://h/v1", "http://", "http://h:x/v1", "file:///etc/passwd"]
    )
    def test_what_is_no_url_is_refused(self, url):
        with pytest.raises(InputError, match=r"the endpoint is no URL; give one such as http://localhost:11434/v1"):
            Endpoint(url=url, model="m")

    @pytest.mark.parametrize("url", [f"http://me:{KEY}@h/v1", f"http://h/v1?key={KEY}", f"http://h/v1#{KEY}"])
    def test_a_url_with_a_secret_is_refused_and_not_repeated(self, url):
        with pytest.raises(InputError, match="where secrets stand") as caught:
            Endpoint(url=url, model="m")
        assert KEY not in str(caught.value)

    @pytest.mark.parametrize(
        "wrong",
        [{"timeout": 0.0}, {"timeout": float("nan")}, {"longest_wait": -1.0}, {"most_tries": 0}, {"most_at_once": 0}],
    )
    def test_numbers_out_of_range_are_refused(self, wrong):
        with pytest.raises(InputError, match="were given"):
            endpoint("http://h/v1", **wrong)

    @pytest.mark.parametrize(
        ("url", "here"),
        [
            ("http://localhost:1/v1", True),
            ("http://127.0.0.9/v1", True),
            ("http://[::1]:8000/v1", True),
            ("http://localhost.example.org/v1", False),
            ("https://api.openai.com/v1", False),
        ],
    )
    def test_this_machine_is_known(self, url, here):
        assert Endpoint(url=url, model="m").is_this_machine is here


class TestKey:
    def test_ours_goes_where_the_user_says(self, monkeypatch):
        monkeypatch.setenv("AURICLE_LLM_KEY", KEY)
        _, seen = one(says("N"))
        assert seen.headers[0]["authorization"] == f"Bearer {KEY}"

    @pytest.mark.parametrize(
        ("url", "goes"),
        [
            ("https://api.openai.com/v1", True),
            ("https://eu.api.openai.com/v1", True),
            ("http://api.openai.com/v1", False),
            ("https://notopenai.com/v1", False),
            ("https://openai.com.example.org/v1", False),
            ("http://localhost:8000/v1", False),
        ],
    )
    def test_openais_goes_to_openai_alone(self, monkeypatch, url, goes):
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        assert key_for(Endpoint(url=url, model="m")) == (KEY if goes else None)

    def test_without_a_key_none_is_sent(self):
        _, seen = one(says("N"))
        assert "authorization" not in seen.headers[0]

    def test_openais_key_and_names_reach_no_other_server(self, monkeypatch):
        for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
            monkeypatch.setenv(name, KEY)
        _, seen = one(says("N"))
        assert KEY not in str(seen.headers)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 429, 500])
    def test_no_error_repeats_it(self, monkeypatch, status):
        monkeypatch.setenv("AURICLE_LLM_KEY", KEY)
        error, _ = one(lambda _: failing(status, f"the key {KEY} was sent"), most_tries=1)
        assert isinstance(error, ServerError)
        assert KEY not in f"{error!r} {error.__cause__!r}"
        assert error.__suppress_context__

    def test_the_cache_does_not_hold_it(self, monkeypatch, tmp_path):
        monkeypatch.setenv("AURICLE_LLM_KEY", KEY)
        with serving(says("N")) as seen:
            Server(endpoint(seen.url), cache=tmp_path).ask_all([question()])
        (entry,) = tmp_path.iterdir()
        assert KEY not in entry.read_text()

    def test_an_endpoint_does_not_show_it(self, monkeypatch):
        monkeypatch.setenv("AURICLE_LLM_KEY", KEY)
        assert KEY not in repr(Server(endpoint("http://localhost:1/v1")).endpoint)

    def test_a_missing_and_a_wrong_one_are_told_apart(self, monkeypatch):
        error, _ = one(lambda _: failing(401))
        assert "it wants a key; set the environment variable AURICLE_LLM_KEY" in str(error)
        monkeypatch.setenv("AURICLE_LLM_KEY", KEY)
        error, _ = one(lambda _: failing(401))
        assert str(error).endswith("answered 401: the key was refused")
