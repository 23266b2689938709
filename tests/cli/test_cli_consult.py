"""`auricle consult` and `auricle trial`, asked of scripted doubles over HTTP."""

import json
from hashlib import sha256

import numpy as np
import pytest

from auricle.signals.simulate import with_ectopic_beats
from doubles import Says, answered, follows, ignores, schooled, serving

SECRET = "Jane_Doe_1970-01-02"


def polite(behave):
    """Answer the preflight's questions, and then as told."""
    return lambda asks: schooled(asks) if "prediction set" not in asks.text else behave(asks)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("consult") / f"{SECRET}.csv"
    made = with_ectopic_beats(90, 300, at=[8.0, 40.0, 70.0], seed=3)
    np.savetxt(path, made.samples().T, header="II", comments="", fmt="%.5f")
    return path


@pytest.fixture
def home(monkeypatch, tmp_path):
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("AURICLE_CONFIG", raising=False)
    monkeypatch.delenv("AURICLE_LLM_KEY", raising=False)
    return tmp_path


SIGNAL = ("--fs", "300", "--unit", "mV")


def test_a_dry_run_writes_what_would_be_sent(command, recording, home):
    out = home / "dry"
    code, printed, said = command("consult", "af", recording, *SIGNAL, "--all", "--dry-run", "--out", out)
    assert code == 0
    assert "nothing was sent" in said
    requests = sorted(out.glob("request-*.json"))
    assert len(requests) == 3
    assert len(printed.splitlines()) == len(list(out.iterdir())) > 3
    for path in requests:
        body = json.loads(path.read_bytes())
        assert body["temperature"] == 0
        assert "Jane" not in path.read_text()
        assert any(part["type"] == "image_url" for part in body["messages"][1]["content"])
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    command("consult", "af", recording, *SIGNAL, "--all", "--dry-run", "--out", out)
    assert before == {path.name: path.read_bytes() for path in out.iterdir()}


def test_opinions_are_shown_and_kept_and_not_asked_twice(command, recording, home):
    out = home / "kept"
    with serving(polite(follows())) as seen:
        arguments = ("consult", "af", recording, *SIGNAL, "--all", "--endpoint", seen.url, "--out", out)
        code, printed, said = command(*arguments)
        first = len(seen.asked)
        assert code == 0
        assert printed.count("opinion: agrees with the set") == 3
        assert "3 windows: 3 agrees" in said
        again, lines, _ = command(*arguments, "--json")
    assert again == 0
    assert len(seen.asked) == first + 4  # the preflight's questions alone
    found = [json.loads(line) for line in lines.splitlines()]
    assert [one["finding"]["window"]["index"] for one in found] == [0, 1, 2]
    assert all(one["replayed"] and one["opinion"]["state"] == "agrees" for one in found)
    assert len((out / "consultations.jsonl").read_text().splitlines()) == 6
    assert len(list(out.glob("request-*.json"))) == 3
    assert len(list((out / "replies").iterdir())) == 3
    assert not any(b"Jane" in path.read_bytes() for path in out.glob("request-*.json"))


def test_disagreement_is_kept_as_such(command, recording, home):
    with serving(polite(lambda _: Says(answered("none")))) as seen:
        _, printed, _ = command("consult", "af", recording, *SIGNAL, "--all", "--endpoint", seen.url, "--json")
    assert {json.loads(line)["opinion"]["state"] for line in printed.splitlines()} == {"disagrees"}
    assert (home / "XDG_DATA_HOME" / "auricle" / "consult" / "consultations.jsonl").is_file()


def test_the_configuration_names_the_server(command, recording, home, monkeypatch):
    with serving(polite(ignores)) as seen:
        path = home / "c.toml"
        path.write_text(f'[consult]\nendpoint = "{seen.url}"\nmodel = "double"\n')
        monkeypatch.setenv("AURICLE_CONFIG", str(path))
        code, _, _ = command("consult", "af", recording, *SIGNAL, "--all", "--most", "1")
    assert code == 0
    assert seen.asked


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[consult]\nendpont = 'x'\n", "unknown key endpont; did you mean 'endpoint'"),
        ("[consult]\napi_key = 'x'\n", "a key for the server comes from the environment alone"),
        ("[consult\n", "is not TOML"),
        ("[consult]\ntimeout = -1\n", "timeout"),
        ("[consult]\ntimeout = nan\n", "timeout"),
        ("[consult]\ntimeout = inf\n", "timeout"),
        ("[consult]\ntimeout = '60'\n", "timeout"),
        ("[consult]\nmost_at_once = 1_000_000_000\n", "most_at_once"),
        ("[consult]\nmost_at_once = true\n", "most_at_once"),
        ("[consult]\nmodel = ['a']\n", "model"),
        ("[consult]\nendpoint = 'http://me:word@host/v1'\n", "where secrets stand"),
        ("[consult]\nendpoint = 'ftp://host'\n", "is no URL"),
        ("consult = 3\n", r"\[consult\]"),
        ("[[consult]]\n", r"\[consult\]"),
    ],
)
def test_a_configuration_that_can_not_be_used(refused, recording, home, monkeypatch, text, says):
    path = home / "c.toml"
    path.write_text(text)
    monkeypatch.setenv("AURICLE_CONFIG", str(path))
    refused(3, says, "consult", "af", recording, *SIGNAL, "--all")


def test_a_server_that_is_not_there(command, recording, home):
    code, printed, said = command(
        "consult", "af", recording, *SIGNAL, "--all", "--endpoint", "http://127.0.0.1:1/v1", "--model", "m"
    )
    assert (code, printed) == (6, "")
    assert "error: http://127.0.0.1:1/v1 can't be reached" in said


def test_nobody_to_ask_and_contradictions(refused, recording, home):
    refused(3, "nobody was named to ask", "consult", "af", recording, *SIGNAL, "--all")
    refused(3, "needs a folder", "consult", "af", recording, "--dry-run")
    refused(3, "the one starts a server here", "consult", "af", recording, *SIGNAL, "--all", "--local",
            "--endpoint", "http://127.0.0.1:1/v1")  # fmt: skip
    refused(3, "allowed are plain_all", "trial", "af", recording, "--arms", "plain")


def test_two_runs_in_one_folder_overwrite_nothing_that_was_sent(command, recording, home, tmp_path):
    other = tmp_path / "other.csv"
    np.savetxt(other, with_ectopic_beats(31, 300, at=[8.0], seed=5).samples().T, header="II", comments="", fmt="%.5f")
    out = home / "kept"
    with serving(polite(follows())) as seen:
        for path in (recording, other):
            code, _, said = command("consult", "af", path, *SIGNAL, "--all", "--most", "1", "--endpoint", seen.url,
                                    "--out", out)  # fmt: skip
            assert code == 0, said
    sent = {sha256(path.read_bytes()).hexdigest(): path.name for path in out.glob("request-*.json")}
    told = [json.loads(line)["request"] for line in (out / "consultations.jsonl").read_text().splitlines()]
    assert len(set(told)) == 2
    assert sent == {digest: f"request-{digest[:16]}.json" for digest in told}


def test_a_folder_in_which_another_put_a_link_is_refused(command, recording, home):
    out = home / "kept"
    out.mkdir()
    (out / "consultations.jsonl").symlink_to(home / "elsewhere")
    with serving(polite(follows())) as seen:
        code, printed, said = command("consult", "af", recording, *SIGNAL, "--all", "--most", "1",
                                      "--endpoint", seen.url, "--out", out)  # fmt: skip
    assert (code, printed) == (3, "")
    assert "consultations.jsonl is a link" in said
    assert not (home / "elsewhere").exists()


def test_what_a_server_says_is_shown_and_not_obeyed(command, recording, home):
    nasty = "\x1b[2J\u202e [red]**bold**[/red] <b>x</b>\r\nauricle: all is well\u2028 the QRS is narrow"
    with serving(polite(lambda asks: Says(answered(asks.offered[0], nasty)))) as seen:
        arguments = ("consult", "af", recording, *SIGNAL, "--all", "--most", "1", "--endpoint", seen.url)
        _, shown, _ = command(*arguments)
        _, line, _ = command(*arguments, "--json")
    assert "[red]**bold**[/red] <b>x</b> auricle: all is well the QRS is narrow" in shown
    assert len(shown.splitlines()) == 2
    assert all(c.isprintable() or c == "\n" for c in shown + line)
    assert len(line.splitlines()) == 1


def newer(asks):
    """Refuse what newer hosted models refuse."""
    for name in ("max_tokens", "temperature"):
        if name in asks.body:
            return Says(status=400, raw=json.dumps({"error": {"message": f"Unsupported: '{name}'"}}).encode())
    return polite(follows())(asks)


def test_a_trial_with_a_newer_model_says_how_it_was_asked_and_goes_on_where_it_was(command, made, home):
    out = home / "trial"
    with serving(newer, models=["o-new"]) as seen:
        arguments = (
            "trial", made.specialist, made.data / "packed.npz", "--part", "all", "--n", "2",
            "--arms", "numbers,plain_set", "--endpoint", seen.url, "--out", out,
        )  # fmt: skip
        code, _, said = command(*arguments)
        assert code == 0, said
        first = len(seen.asked)
        again, printed, _ = command(*arguments, "--json")
    assert again == 0
    assert first == 2 + 4 + 2 * 2
    assert len(seen.asked) == first + 6  # the preflight's questions alone
    assert not any({"max_tokens", "temperature"} & asks.body.keys() for asks in seen.asked[first + 2 :])
    assert "It refuses temperature 0" in said
    result = json.loads(printed)
    assert result["parameters"] == {
        "limit": "max_completion_tokens", "temperature": False, "seed": True, "thinks": True
    }  # fmt: skip
    assert result["windows"] == 2
    page = (out / "trial.md").read_text()
    assert "model o-new at http" in page
    assert "It refuses temperature 0" in page


def test_a_trial_of_no_window_is_refused(refused, made, home):
    refused(2, "It must be 1 or more", "trial", made.specialist, made.data / "packed.npz", "--n", "0",
            "--endpoint", "http://127.0.0.1:1/v1")  # fmt: skip
