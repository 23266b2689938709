"""Answers are kept whole, and taken only as they were kept."""

import errno
import json
import os
import random
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.consult.cache import ReplayCache
from auricle.consult.reply import Reply
from auricle.errors import InputError

HASH = "0123456789abcdef" * 4
HERE = "http://localhost:8000/v1"
REPLY = Reply(
    text="no P waves \u2013 caf\u00e9", finish="stop", model="m", tokens_in=900, tokens_out=40, seconds=1.25, tries=2
)


@pytest.fixture
def cache(tmp_path):
    return ReplayCache(tmp_path / "replies", server=HERE)


def test_what_was_kept_comes_back_marked(cache):
    assert cache.find(HASH) is None
    cache.keep(HASH, REPLY)
    assert cache.find(HASH) == REPLY.model_copy(update={"replayed": True})


@given(text=st.text(max_size=50), seconds=st.floats(0, 1e6), tokens=st.integers(0, 10**9))
@settings(max_examples=30, deadline=None)
def test_any_reply_comes_back(tmp_path_factory, text, seconds, tokens):
    reply = Reply(text=text, finish="stop", seconds=seconds, tokens_in=tokens)
    cache = ReplayCache(tmp_path_factory.mktemp("c"), server=HERE)
    cache.keep(HASH, reply)
    assert cache.find(HASH) == reply.model_copy(update={"replayed": True})


def test_a_replayed_answer_kept_again_is_the_same_file(cache):
    cache.keep(HASH, REPLY)
    before = cache.path(HASH).read_bytes()
    cache.keep(HASH, cache.find(HASH))
    assert cache.path(HASH).read_bytes() == before


def test_another_server_has_other_answers(cache):
    cache.keep(HASH, REPLY)
    assert ReplayCache(cache.folder, server="http://example.org/v1").find(HASH) is None


def test_the_answer_to_another_request_is_not_taken(cache):
    cache.keep(HASH, REPLY)
    other = "f" * 64
    cache.path(HASH).rename(cache.path(other))
    assert cache.find(other) is None


def test_every_cut_is_noticed(cache):
    cache.keep(HASH, REPLY)
    whole = cache.path(HASH).read_bytes()
    for length in range(len(whole) - 1):
        cache.path(HASH).write_bytes(whole[:length])
        assert cache.find(HASH) is None


def test_a_flipped_bit_is_noticed_or_changes_nothing(cache):
    cache.keep(HASH, REPLY)
    whole, rng = cache.path(HASH).read_bytes(), random.Random(0)
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        cache.path(HASH).write_bytes(damaged)
        assert cache.find(HASH) in {None, REPLY.model_copy(update={"replayed": True})}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", "[" * 100_000, '{"reply": {}}', '{"reply": {"text": 1}}'])
def test_a_damaged_entry_counts_as_absent_and_is_replaced(cache, text):
    cache.folder.mkdir()
    cache.path(HASH).write_text(text)
    assert cache.find(HASH) is None
    cache.keep(HASH, REPLY)
    assert cache.find(HASH) is not None


def test_a_folder_in_the_place_of_an_entry_counts_as_absent(cache):
    cache.path(HASH).mkdir(parents=True)
    assert cache.find(HASH) is None


@pytest.mark.parametrize("name", ["", "../" + HASH, HASH.upper(), HASH[:-1], HASH + "0", "a/b", "\0"])
def test_only_a_hash_names_an_entry(cache, name):
    assert cache.find(name) is None
    with pytest.raises(InputError, match="is no hash of a request; it must be 64 digits 0-9, a-f"):
        cache.keep(name, REPLY)


def test_a_full_disk_leaves_what_was_there(cache, monkeypatch):
    cache.keep(HASH, REPLY)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        InputError, match=r"can't be written \(No space left on device\); answers that were kept before"
    ):
        cache.keep(HASH, REPLY.model_copy(update={"text": "new"}))
    assert cache.find(HASH).text == REPLY.text
    assert [one.name for one in cache.folder.iterdir()] == [f"{HASH}.json"]


def test_a_file_in_the_place_of_the_folder_is_said(tmp_path):
    (tmp_path / "replies").write_text("")
    with pytest.raises(InputError, match="can't be written"):
        ReplayCache(tmp_path / "replies", server=HERE).keep(HASH, REPLY)


def test_an_entry_can_be_read_by_a_person(cache):
    cache.keep(HASH, REPLY)
    entry = json.loads(Path(cache.path(HASH)).read_text())
    assert set(entry) == {"schema", "request", "server", "reply", "sha256"}
    assert (entry["schema"], entry["request"], entry["server"]) == ("auricle.reply/1", HASH, HERE)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
@pytest.mark.parametrize("kind", ["a pipe", "a device without end", "a folder", "a link to itself"])
def test_what_is_no_file_is_passed_over(cache, kind):
    cache.folder.mkdir(parents=True)
    path = cache.path(HASH)
    {
        "a pipe": lambda: os.mkfifo(path),
        "a device without end": lambda: path.symlink_to("/dev/zero"),
        "a folder": path.mkdir,
        "a link to itself": lambda: path.symlink_to(path),
    }[kind]()
    assert cache.find(HASH) is None


def test_an_entry_too_large_for_any_answer_is_not_read(cache):
    cache.keep(HASH, REPLY)
    with cache.path(HASH).open("ab") as file:
        file.truncate(20_000_000_000)  # a hole: it takes no room
    assert cache.find(HASH) is None


def test_an_answer_of_the_greatest_length_is_found_again(cache):
    longest = REPLY.model_copy(update={"text": "\u2028" * 1_000_001})
    cache.keep(HASH, longest)
    assert cache.find(HASH) == longest.model_copy(update={"replayed": True})


def test_what_a_link_leads_to_is_not_written(cache, tmp_path):
    cache.folder.mkdir(parents=True)
    other = tmp_path / "other"
    other.write_text("mine")
    cache.path(HASH).symlink_to(other)
    cache.keep(HASH, REPLY)
    assert other.read_text() == "mine"
    assert cache.find(HASH) is not None


@pytest.mark.parametrize("text", ["\ud800", "\u0000\u202e"])
def test_any_text_that_another_wrote_is_a_whole_reply_or_none(cache, text):
    cache.keep(HASH, REPLY)
    entry = json.loads(cache.path(HASH).read_text())
    entry["reply"]["text"] = text
    del entry["sha256"]
    canonical = json.dumps(entry, sort_keys=True, separators=(",", ":"))
    entry["sha256"] = sha256(canonical.encode()).hexdigest()
    cache.path(HASH).write_text(json.dumps(entry))
    found = cache.find(HASH)
    assert found is None or found.model_dump_json()
