"""Servers that send too much, too slowly, or anything at all: an error in words, no crash, no memory, no key."""

import gzip
import json
import re
import socket
import threading
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.consult.bounded import MOST_BYTES
from auricle.consult.completion import whole
from auricle.consult.failures import ReplyError, ServerError, ServerFaultError, TimedOutError, UnknownModelError
from auricle.consult.preflight import preflight
from auricle.consult.reply import Reply
from auricle.consult.server import Server
from auricle.errors import InputError
from doubles import Says, endpoint, one, question, schooled, serving

KEY = "sk-secret-0123456789"
FINE = json.dumps({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}).encode()
BOMB = gzip.compress(bytes(2 * MOST_BYTES))


@contextmanager
def speaking(head: bytes, pieces, *, forever: bool = False, pause: float = 0.0):
    """Serve these bytes, whatever is asked, one connection after the other."""
    listening = socket.create_server(("127.0.0.1", 0))
    stopping = threading.Event()

    def serve() -> None:
        while not stopping.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                try:
                    _listen(connection)
                    connection.sendall(head)
                    for piece in pieces:
                        connection.sendall(piece)
                    while forever and not stopping.wait(pause):
                        connection.sendall(pieces[-1])
                except OSError:
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    finally:
        stopping.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


def _listen(connection: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    left = int(re.search(rb"content-length: (\d+)", head.lower())[1]) - len(body)
    while left > 0:
        left -= len(connection.recv(65536))


def ok(*headers: bytes, kind: bytes = b"application/json") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 200 OK", b"Content-Type: " + kind, *headers, b"", b""])


def answer(url: str, **options) -> Reply | ServerError:
    (reply,) = Server(endpoint(url, **{"most_tries": 1, "timeout": 20.0, **options})).ask_all([question()])
    return reply


EVENTS = ok(kind=b"text/event-stream")


@pytest.mark.parametrize(
    ("head", "piece", "stream"),
    [
        (ok(), b" " * 65536, False),
        (EVENTS, b"data: " + b"x" * 65536, True),
        (EVENTS, b": " + b"ping" * 16384 + b"\n\n", True),
    ],
)
def test_what_never_ends_is_ended(head, piece, stream):
    # Without the limit it would go on for ten minutes.
    with speaking(head, [piece], forever=True) as url:
        error = answer(url, stream=stream, timeout=600.0)
    assert isinstance(error, ReplyError)
    assert "sends more than 8 MB, which no answer has" in str(error)


def test_a_byte_now_and_then_is_no_answer():
    with speaking(ok(b"Content-Length: 1000"), [b" "], forever=True, pause=0.1) as url:
        assert isinstance(answer(url, timeout=1.0), TimedOutError)


@pytest.mark.parametrize("status", [b"200 OK", b"400 Bad Request"])
def test_what_is_compressed_is_not_unpacked(status):
    length = b"Content-Length: " + str(len(BOMB)).encode()
    head = b"\r\n".join([b"HTTP/1.1 " + status, b"Content-Encoding: gzip", length, b"", b""])
    with speaking(head, [BOMB]) as url:
        error = answer(url)
    assert isinstance(error, ReplyError)
    assert "compresses what it was asked to send as it is" in str(error)


def test_nothing_compressed_is_asked_for():
    _, seen = one(schooled)
    assert seen.headers[0]["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (ok(b"Content-Length: 99999"), FINE),
        (ok(b"Content-Length: 20"), FINE),
        (ok(b"Content-Length: -5"), FINE),
        (ok(b"Content-Length: 5", b"Content-Length: 7"), FINE),
        (ok(b"X: " + b"y" * 1_000_000), FINE),
        (b"", bytes(range(256)) * 4),
        (b"", FINE),
        (b"", b""),
        (b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\n", b"{}"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (ok(), b"[" * 1_000_000),
        (ok(), b'{"choices":' * 100_000),
        (ok(), b'{"choices":[{"message":{"content":"\xff"}}]}'),
        (ok(), b'{"usage":{"prompt_tokens":' + b"9" * 5000 + b"}}"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_no_http_or_no_json_is_an_error_in_words(head, body, stream):
    with speaking(head, [body]) as url:
        error = answer(url, stream=stream)
    assert isinstance(error, ReplyError | ServerFaultError)
    assert str(error).startswith(url)
    assert str(error).isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**12) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "message", "content", "delta", "refusal", "finish_reason", "usage", "model",
                             "prompt_tokens", "completion_tokens", "error", "type", "text"]),
            inner, max_size=4,
        )
    ),
    max_leaves=20,
)  # fmt: skip


@given(JSON, JSON, JSON)
@settings(max_examples=150, deadline=None)
def test_any_json_is_a_reply_or_an_error(message, choice, usage):
    for found in (message, {"choices": [choice]}, {"choices": [{"message": message}], "usage": usage, "model": choice}):
        try:
            reply = whole(found)
        except (ReplyError, ServerFaultError):
            continue
        assert reply.model.isprintable()
        assert Reply.model_validate_json(reply.model_dump_json()) == reply


@pytest.mark.parametrize("choice", [{"delta": None}, {"delta": "x"}, 3, {"delta": {"content": 5}, "finish_reason": 7}])
def test_any_piece_of_a_stream_is_survived(choice):
    data = b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\ndata: [DONE]\n\n"
    with speaking(EVENTS, [data]) as url:
        assert isinstance(answer(url, stream=True), ServerError)


def test_parts_of_a_text_are_put_together():
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
    assert whole({"choices": [{"message": {"content": parts}}]}).text == "one two"


@pytest.mark.parametrize("stream", [False, True])
def test_an_error_with_status_200_is_told(stream):
    error = {"error": {"message": "out of credit\x1b[2J", "code": 402}}
    said = b"data: " + json.dumps(error).encode() + b"\n\n" if stream else json.dumps(error).encode()
    with speaking(EVENTS if stream else ok(), [said]) as url:
        found = answer(url, stream=stream)
    assert isinstance(found, ServerFaultError)
    assert "out of credit\\x1b[2J" in str(found)


@pytest.mark.parametrize("body", [{"detail": "no such thing"}, "no such thing", ["no such thing"]])
def test_a_refusal_in_any_form_is_repeated(body):
    error, _ = one(lambda _: Says(status=400, raw=json.dumps(body).encode()))
    assert "no such thing" in str(error)


def test_a_gateway_whose_page_speaks_of_images_is_not_taken_for_a_blind_server():
    page = b"<html><img src='logo.png' alt='image'>502</html>"
    error, _ = one(lambda _: Says(status=502, raw=page), question(picture="data:image/png;base64,AA"), most_tries=1)
    assert type(error) is ServerFaultError


def test_a_server_of_web_pages_is_not_asked_again_and_its_page_not_shown():
    page = b"<!DOCTYPE HTML>\n<html><body>Unsupported method ('POST')</body></html>"
    error, seen = one(lambda _: Says(status=501, raw=page))
    assert isinstance(error, UnknownModelError)
    assert "takes no questions (501: a web page); check --model, and that the URL is" in str(error)
    assert len(seen.asked) == 1


class TestKey:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_neither_key_nor_question_follows_a_redirection(self, monkeypatch, status):
        monkeypatch.setenv("AURICLE_LLM_KEY", KEY)
        with serving(schooled) as other:
            location = f"{other.url}/chat/completions"
            error, _ = one(lambda _: Says(status=status, headers=(("Location", location),), raw=b""))
        assert isinstance(error, UnknownModelError)
        assert other.asked == []

    @pytest.mark.parametrize("key", [f"{KEY}\nX-More: 1", f"Bearer {KEY}", f"{KEY}\u2013", f"{KEY}\x7f", f"{KEY}\t0"])
    def test_one_that_is_none_is_refused_and_not_repeated(self, monkeypatch, key):
        monkeypatch.setenv("AURICLE_LLM_KEY", key)
        with serving(schooled) as seen, pytest.raises(InputError, match="AURICLE_LLM_KEY holds a blank") as caught:
            preflight(endpoint(seen.url))
        assert KEY not in str(caught.value)
        assert seen.asked == []

    @pytest.mark.parametrize("stream", [False, True])
    def test_an_answer_that_repeats_it_is_kept_without(self, monkeypatch, tmp_path, stream, capfd):
        monkeypatch.setenv("AURICLE_LLM_KEY", KEY)
        monkeypatch.setenv("OPENAI_LOG", "debug")
        with serving(lambda _: Says(f"your key is {KEY}")) as seen:
            (reply,) = Server(endpoint(seen.url, stream=stream), cache=tmp_path).ask_all([question()])
        assert reply.text == "your key is ***"
        assert not any(KEY in path.read_text() for path in tmp_path.iterdir())
        assert KEY not in "".join(capfd.readouterr())

    @pytest.mark.parametrize("status", [200, 400, 403, 404, 429, 500])
    def test_an_error_that_repeats_it_is_told_without(self, monkeypatch, status):
        monkeypatch.setenv("AURICLE_LLM_KEY", KEY)
        said = json.dumps({"error": {"message": f"bad key {KEY}"}}).encode()
        error, _ = one(lambda _: Says(status=status, raw=said), most_tries=1)
        assert isinstance(error, ServerError)
        assert KEY not in str(error)
        assert error.__context__ is None or KEY not in repr(error.__context__)
