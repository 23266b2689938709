"""Asking servers: patience, limits, order, and what is said when it fails. The servers are doubles."""

import asyncio
import signal
import subprocess
import sys
import time
from itertools import count

import pytest

from auricle.consult.failures import (
    BusyError,
    KeyRefusedError,
    PicturesRefusedError,
    ReplyError,
    RequestRefusedError,
    ServerFaultError,
    TimedOutError,
    UnknownModelError,
    UnreachableError,
)
from auricle.consult.server import Server
from auricle.errors import InputError, MissingExtraError
from doubles import (
    MODEL,
    Says,
    answered,
    endpoint,
    failing,
    first,
    follows,
    loops,
    one,
    question,
    refuses_by_field,
    says,
    serving,
    slow,
    truncates,
    wait_until,
)
from lacking import text_only


@pytest.mark.parametrize("stream", [False, True])
class TestReplies:
    def test_a_reply_tells_what_it_took(self, stream):
        reply, seen = one(follows(), stream=stream)
        assert (reply.text, reply.finish, reply.model, reply.tries) == (answered("N"), "stop", MODEL, 1)
        assert reply.tokens_in > 0
        assert reply.tokens_out > 0
        assert 0 < reply.seconds < 30
        assert ("stream" in seen.asked[0].body) is stream

    def test_the_body_is_sent_as_it_is(self, stream):
        _, seen = one(follows(), stream=stream)
        sent = {name: value for name, value in seen.asked[0].body.items() if not name.startswith("stream")}
        assert sent == question().body

    @pytest.mark.parametrize(
        ("behave", "finish"), [(truncates(says("N")), "length"), (loops, "length"), (refuses_by_field, "refusal")]
    )
    def test_why_it_stopped_is_passed_on(self, stream, behave, finish):
        assert one(behave, stream=stream)[0].finish == finish

    def test_a_server_that_counts_no_tokens_gives_none(self, stream):
        reply, _ = one(lambda _: Says("hello", usage=False), stream=stream)
        assert (reply.tokens_in, reply.tokens_out) == (0, 0)

    def test_a_dropped_connection_is_tried_again(self, stream):
        reply, seen = one(first(1, Says(answered("N"), drop=True), says("A")), stream=stream)
        assert (reply.text, reply.tries, len(seen.asked)) == (answered("A"), 2, 2)

    def test_one_that_always_drops_fails_alone(self, stream):
        error, seen = one(lambda _: Says(answered("N"), drop=True), most_tries=2, stream=stream)
        assert isinstance(error, ServerFaultError)
        assert "failed, or broke the connection" in str(error)
        assert len(seen.asked) == 2

    def test_a_server_that_drips_is_too_late(self, stream):
        error, seen = one(lambda _: Says(answered("N"), pause=0.2), timeout=0.5, stream=stream)
        assert isinstance(error, TimedOutError)
        assert error.why == "timeout"
        assert len(seen.asked) == 2

    @pytest.mark.parametrize(
        "raw", [b"", b"hello", b"<html>hello</html>", b"[]", b"{}", b'{"choices": []}', b'{"choices": 3}']
    )
    def test_what_is_no_chat_completion_is_said_to_be_none(self, stream, raw):
        error, _ = one(lambda _: Says(raw=raw), stream=stream)
        assert isinstance(error, ReplyError)
        assert "OpenAI-compatible" in str(error)

    def test_half_a_surrogate_can_be_kept(self, stream, tmp_path):
        with serving(lambda _: Says("half \ud83d")) as seen:
            (reply,) = Server(endpoint(seen.url, stream=stream), cache=tmp_path).ask_all([question()])
        assert reply.text == "half ?"


class TestPatience:
    def test_busy_then_fine(self):
        reply, seen = one(first(2, failing(429, retry_after="0.05"), says("N")))
        assert (reply.text, reply.tries, len(seen.asked)) == (answered("N"), 3, 3)

    def test_it_waits_as_long_as_it_was_told(self):
        began = time.monotonic()
        reply, _ = one(first(1, failing(429, retry_after="1.5"), says("N")))
        assert reply.tries == 2
        assert time.monotonic() - began >= 1.5
        assert reply.seconds < 1.5

    def test_it_does_not_wait_too_long(self):
        began = time.monotonic()
        error, seen = one(lambda _: failing(429, retry_after="3600"), longest_wait=60.0)
        assert isinstance(error, BusyError)
        assert "asks to come again in 3600 s; run again later" in str(error)
        assert len(seen.asked) == 1
        assert time.monotonic() - began < 30

    def test_a_broken_server_is_given_up(self):
        error, seen = one(lambda _: failing(500, "out of memory"), most_tries=3)
        assert isinstance(error, ServerFaultError)
        assert "failed (500: " in str(error)
        assert "out of memory" in str(error)
        assert len(seen.asked) == 3

    @pytest.mark.parametrize(
        ("answer", "kind", "said"),
        [
            (failing(400, "maximum context length is 2048"), RequestRefusedError, "maximum context length"),
            (failing(413), RequestRefusedError, "refuses the request (413"),
            (failing(404, "model not found"), UnknownModelError, "has no model 'double'"),
            (
                failing(307, location="http://example.org/v1/chat/completions"),
                UnknownModelError,
                "another address (307)",
            ),
        ],
    )
    def test_what_will_not_change_is_asked_once(self, answer, kind, said):
        error, seen = one(lambda _: answer)
        assert type(error) is kind
        assert said in str(error)
        assert len(seen.asked) == 1

    def test_a_server_that_takes_no_pictures_is_asked_once(self):
        error, seen = one(text_only(says("N")), question(picture="data:image/png;base64,AAAA"))
        assert isinstance(error, PicturesRefusedError)
        assert "takes no pictures" in str(error)
        assert "send text only" in str(error)
        assert len(seen.asked) == 1

    def test_nobody_there(self):
        with serving(says("N")) as seen:
            url = seen.url
        with pytest.raises(UnreachableError, match=r"can't be reached .*; check that it runs there"):
            Server(endpoint(url, most_tries=2)).ask_all([question()])

    def test_what_a_server_says_is_shown_safely(self):
        error, _ = one(lambda _: failing(400, "\x1b[2J" + "x" * 5000))
        assert str(error).isprintable()
        assert len(str(error)) < 400


class TestMany:
    def test_order_is_kept(self):
        delays = count()

        def behave(asks):
            return Says(asks.text.splitlines()[1], delay=0.15 if next(delays) % 3 == 0 else 0.0)

        came: list[int] = []
        with serving(behave) as seen:
            replies = Server(endpoint(seen.url, most_at_once=4)).ask_all(
                (question(i) for i in range(12)), on_reply=lambda i, _: came.append(i)
            )
        assert [reply.text for reply in replies] == [f"window {i}" for i in range(12)]
        assert sorted(came) == list(range(12))

    def test_no_more_at_once_than_allowed(self):
        with serving(slow(says("N"), 0.1)) as seen:
            Server(endpoint(seen.url, most_at_once=3)).ask_all([question(i) for i in range(9)])
        assert seen.at_once == 3

    def test_no_more_at_once_than_allowed_when_a_program_asks(self):
        async def ask(server: Server) -> None:
            async with server:
                await asyncio.gather(*(server.ask(question(i)) for i in range(9)))

        with serving(slow(says("N"), 0.1)) as seen:
            asyncio.run(ask(Server(endpoint(seen.url, most_at_once=3))))
        assert seen.at_once == 3

    def test_a_slow_server_is_kept_busy(self):
        taken = {}
        with serving(slow(says("N"), 0.5)) as seen:
            Server(endpoint(seen.url)).ask_all([question()])  # loads the client
            for at_once in (8, 1):
                began = time.monotonic()
                Server(endpoint(seen.url, most_at_once=at_once)).ask_all([question(i) for i in range(8)])
                taken[at_once] = time.monotonic() - began
        assert taken[1] > 4.0
        assert taken[1] / taken[8] > 2.0

    def test_requests_are_made_as_they_can_be_sent(self):
        made = []

        def requests():
            for i in range(20):
                made.append(len(seen.asked))
                yield question(i)

        with serving(says("N")) as seen:
            Server(endpoint(seen.url, most_at_once=2)).ask_all(requests())
        assert all(number - asked <= 2 for number, asked in enumerate(made))

    def test_answers_come_in_while_a_request_is_made(self):
        came = []

        def requests():
            yield question(0)
            # As a briefing does, for a second or two; that the first is answered meanwhile is what is tested.
            wait_until(lambda: came == [0])
            yield question(1)

        with serving(says("N")) as seen:
            Server(endpoint(seen.url, most_at_once=2)).ask_all(requests(), on_reply=lambda i, _: came.append(i))
        assert came == [0, 1]

    def test_what_goes_wrong_while_a_request_is_made_ends_the_run(self):
        def requests():
            yield question(0)
            raise InputError("no such window")

        with serving(says("N")) as seen, pytest.raises(InputError, match="no such window"):
            Server(endpoint(seen.url, most_at_once=3)).ask_all(requests())

    def test_one_that_fails_alone_leaves_the_others(self):
        def behave(asks):
            return failing(400, "too long") if "window 1" in asks.text else Says("fine")

        with serving(behave) as seen:
            replies = Server(endpoint(seen.url)).ask_all([question(i) for i in range(3)])
        assert [type(reply).__name__ for reply in replies] == ["Reply", "RequestRefusedError", "Reply"]

    def test_what_fails_all_ends_the_run(self):
        with serving(first(2, Says("fine"), lambda _: failing(401))) as seen:
            with pytest.raises(KeyRefusedError):
                Server(endpoint(seen.url, most_at_once=1)).ask_all([question(i) for i in range(50)])
            assert len(seen.asked) == 3

    def test_nothing_to_ask_is_nothing(self):
        assert Server(endpoint("http://127.0.0.1:9/v1")).ask_all([]) == []

    def test_an_error_of_the_caller_ends_the_run(self):
        def full(i, reply):
            raise InputError("the disk is full")

        with serving(slow(says("N"), 0.05)) as seen, pytest.raises(InputError, match="the disk is full"):
            Server(endpoint(seen.url, most_at_once=2)).ask_all([question(i) for i in range(30)], on_reply=full)
        assert len(seen.asked) < 30

    def test_within_an_event_loop_it_says_what_to_do(self):
        async def notebook() -> None:
            Server(endpoint("http://127.0.0.1:9/v1")).ask_all([question()])

        with pytest.raises(InputError, match=r"ask_all runs an event loop of its own.*asyncio.to_thread"):
            asyncio.run(notebook())

    def test_without_a_connection_it_says_what_to_do(self):
        with pytest.raises(InputError, match="the connection is not open; write `async with server:`"):
            asyncio.run(Server(endpoint("http://127.0.0.1:9/v1")).ask(question()))


class TestResume:
    def test_what_was_answered_is_not_asked_again(self, tmp_path):
        requests = [question(i) for i in range(4)]
        with serving(lambda asks: Says(f"answer {asks.number}")) as seen:
            before = Server(endpoint(seen.url), cache=tmp_path).ask_all(requests[:2])
            after = Server(endpoint(seen.url), cache=tmp_path).ask_all(requests)
        assert len(seen.asked) == 4
        assert [reply.replayed for reply in before] == [False, False]
        assert [reply.replayed for reply in after] == [True, True, False, False]
        assert [reply.text for reply in after[:2]] == [reply.text for reply in before]

    def test_failures_are_asked_again(self, tmp_path):
        with serving(first(1, failing(400), says("N"))) as seen:
            server = Server(endpoint(seen.url), cache=tmp_path)
            assert isinstance(server.ask_all([question()])[0], RequestRefusedError)
            assert server.ask_all([question()])[0].text == answered("N")

    @pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
    def test_ctrl_c_keeps_what_came_back(self, tmp_path):
        with serving(lambda asks: Says("answer", delay=0.0 if asks.number < 3 else 60.0)) as seen:
            asking = subprocess.Popen(
                [sys.executable, "-c", STOPPED, seen.url, str(tmp_path)], stdout=subprocess.PIPE, text=True
            )
            wait_until(lambda: len(seen.asked) > 3 and len(list(tmp_path.glob("[!.]*.json"))) == 3, 60.0)
            asking.send_signal(signal.SIGINT)
            said, _ = asking.communicate(timeout=60)
        assert said.split() == ["0", "1", "2", "interrupted"]
        assert not list(tmp_path.glob(".*"))


STOPPED = """
import json, signal, sys
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from auricle.consult.server import Endpoint, Server
signal.signal(signal.SIGINT, signal.default_int_handler)
requests = [SimpleNamespace(body={"model": "m", "messages": [], "seed": i}, hash=f"{i:064x}") for i in range(9)]
try:
    server = Server(Endpoint(url=sys.argv[1], model="m", most_at_once=1), cache=Path(sys.argv[2]))
    server.ask_all(requests, on_reply=lambda i, reply: print(i))
except KeyboardInterrupt:
    print("interrupted")
"""


def test_without_the_openai_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'auricle\[consult\]'"):
        Server(endpoint("http://127.0.0.1:9/v1")).ask_all([question()])
