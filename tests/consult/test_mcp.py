"""What an assistant learns over MCP, and what it does not."""

import asyncio
import json
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import auricle
from auricle import Specialist
from auricle.consult import tools
from auricle.consult.desk import Desk
from auricle.consult.tools import answered
from auricle.errors import InputError
from auricle.signals import find_recordings
from auricle.signals.simulate import sinus

NAME = "Jane_Doe_1970-01-02"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mcp")
    recording = sinus(75, 300, seed=4)
    np.savetxt(folder / f"{NAME}.csv", recording.samples().T, header="I", comments="", fmt="%.5f")
    (folder / "broken.hea").write_text("nonsense")
    told = []
    made = Desk(
        specialist=Specialist.load("af"), tell=told.append,
        sources=find_recordings([folder / f"{NAME}.csv", folder / "broken.hea"], fs=300, unit="mV"),
    )  # fmt: skip
    made.told = told
    return made


def test_the_desk_answers(desk):
    about = desk.about()
    assert about["recordings"] == ["r1", "r2"]
    assert [one["label"] for one in about["labels"]] == ["N", "A", "O", "~"]
    assert desk.read("r1")["seconds"] == pytest.approx(75)
    found = desk.predict("r1", first=1, count=5)
    assert found["windows"] == 3
    assert [one["window"]["index"] for one in found["findings"]] == [1, 2]
    assert "segments" not in found["findings"][0]
    one = desk.explain("r1", 0)
    assert set(one["segments"]) == set(one["set"]) or not one["set"]
    assert one["segments"][one["top"]]


def test_names_and_reasons_stay_with_the_person(desk):
    everything = json.dumps([desk.about(), desk.read("r1"), desk.predict("r1"), desk.explain("r1", 0)])
    assert "Jane" not in everything
    with pytest.raises(InputError, match=r"^r2 can't be used; the person at the computer is told why$"):
        desk.read("r2")
    assert "broken" in desk.told[-1]


@pytest.mark.parametrize("error", [OSError(2, "No such file", f"/home/{NAME}.csv"), KeyError(NAME), ValueError(NAME)])
def test_whatever_fails_is_told_to_the_person_alone(desk, error):
    def fails(*_, **__):
        raise error

    told = []
    # As `findings` of a file that went away, or an error that nobody foresaw.
    specialist = SimpleNamespace(findings=fails, explained=fails, manifest=desk.specialist.manifest)
    source = SimpleNamespace(open=desk.sources[0].open)
    for ask, sources in (
        (lambda d: d.read("r1"), [SimpleNamespace(open=fails)]),
        (lambda d: d.predict("r1"), [source]),
        (lambda d: d.explain("r1", 0), [source]),
        (lambda d: d.briefing("r1", 0), [source]),
    ):
        with pytest.raises(InputError, match="the person at the computer is told why") as caught:
            ask(Desk(specialist=specialist, sources=sources, tell=told.append))
        assert NAME not in str(caught.value)
        assert caught.value.__cause__ is None
        assert NAME in told.pop()


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda d: d.read("r3"), "there is no recording 'r3'; known are r1 to r2"),
        (lambda d: d.read("../x"), "there is no recording"),
        (lambda d: d.read("r\u0661"), "there is no recording"),
        (lambda d: d.explain("r1", 9), "it has 0 to 2"),
        (lambda d: d.explain("r1", -1), "it has 0 to 2"),
        (lambda d: d.predict("r1", count=0), "count is 1 to 100"),
        (lambda d: d.predict("r1", first=-1), "first counts from 0"),
    ],
)
def test_what_is_not_there(desk, ask, text):
    with pytest.raises(InputError, match=text):
        ask(desk)


@pytest.mark.parametrize(
    ("tool", "given", "said"),
    [
        ("read", {}, 'read needs the argument recording; it must be "r1", "r2", ..., as `about` lists them'),
        ("read", {"recording": 3}, 'read was asked with recording=3; it must be "r1", "r2", ..., as `about` lists'),
        ("read", {"recording": "r9"}, "there is no recording 'r9'; known are r1 to r2"),
        ("reed", {}, "there is no tool 'reed'; did you mean 'read'?"),
        ("\x1b[2J", {}, "there is no tool '\\\\x1b[2J'; known are about, read, predict, explain, briefing"),
        ("about", {"all": 1}, "about takes no argument 'all'; it takes none"),
        ("predict", {"recording": "r1", "cuont": 3}, "predict takes no argument 'cuont'; did you mean 'count'?"),
        ("predict", {"recordings": "r1"}, "predict takes no argument 'recordings'; did you mean 'recording'?"),
        ("predict", {"recording": "r1", "count": 101}, "predict was asked with count=101; it must be a whole number f"),
        ("predict", {"recording": "r1", "count": True}, "asked with count=true; it must be a whole number from 1 to"),
        ("predict", {"recording": "r1", "count": None}, "asked with count=null; it must be a whole number from 1 to"),
        ("explain", {"recording": "r1", "window": -1}, "with window=-1; it must be a whole number from 0 on"),
        ("explain", {"recording": "r1", "window": "9" * 5000}, "it must be a whole number from 0 on"),
        ("predict", {"recording": "r1", "count": 10**5000}, "asked with count=(int); it must be a whole number from 1"),
        ("read", {"recording": reduce(lambda inner, _: [inner], range(9999), [])}, "asked with recording=(list); it"),
        ("explain", {"recording": "r1", "window": float("nan")}, "with window=NaN; it must be a whole number from 0"),
        (
            "briefing",
            {"recording": "r1", "window": 0, "pictures": "all"},
            'briefing was asked with pictures="all"; it must be "evidence", "plain" or "none"',
        ),
    ],
)
def test_wrong_questions_are_answered_in_a_sentence(desk, tool, given, said):
    with pytest.raises(InputError) as caught:
        answered(desk, tool, given)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 250
    assert "pydantic" not in str(caught.value)


def test_digits_in_quotes_are_a_number(desk):
    assert answered(desk, "predict", {"recording": "r1", "first": "1", "count": 1.0}) == desk.predict(
        "r1", first=1, count=1
    )


def test_numbers_are_short(desk):
    said = json.dumps([desk.read("r1"), desk.predict("r1"), desk.explain("r1", 0)])
    numbers = re.findall(r"(?<=[ \[])-?\d+\.\d+", said)
    assert len(numbers) > 40
    assert max(map(len, numbers)) <= 9
    (first, *_) = desk.specialist.findings(desk.sources[0].open(), explain=False)
    told = desk.predict("r1")["findings"][0]
    assert told["p_values"] == pytest.approx(first.p_values, rel=1e-3)
    assert told["scores"] == pytest.approx(first.scores, abs=1e-3)


def test_an_answer_that_is_too_large_is_refused(desk, monkeypatch):
    monkeypatch.setattr(tools, "MOST_BYTES", 500)
    with pytest.raises(
        InputError, match=r"the answer of predict would take 0.0 MB, .* ask for fewer windows \(count\)"
    ):
        answered(desk, "predict", {"recording": "r1"})
    with pytest.raises(InputError, match='ask for pictures="plain" or "none"'):
        answered(desk, "briefing", {"recording": "r1", "window": 0})


def test_a_fault_of_our_own_is_told_to_the_person_alone(desk):
    def fails():
        raise RuntimeError(NAME)

    told = []
    broken = Desk(specialist=SimpleNamespace(manifest=fails), sources=[], tell=told.append)
    with pytest.raises(InputError, match=r"^about failed; the person at the computer is told why$"):
        answered(broken, "about", {})
    assert told == [f"about: RuntimeError: {NAME}"]


def test_two_who_ask_at_once_wait_for_one_judgement(desk):
    judged = []

    def findings(*args, **options):
        judged.append(args)
        time.sleep(0.1)
        return desk.specialist.findings(*args, **options)

    specialist = SimpleNamespace(findings=findings, manifest=desk.specialist.manifest)
    shared = Desk(specialist=specialist, sources=desk.sources)
    with ThreadPoolExecutor(2) as pool:
        assert len({len(found["findings"]) for found in pool.map(shared.predict, ["r1", "r1"])}) == 1
    assert len(judged) == 1


def test_over_the_protocol(desk):
    mcp = pytest.importorskip("mcp", reason="the extra mcp is not installed")
    from auricle.consult.mcp_server import mcp_server  # noqa: PLC0415

    async def talk():
        async with mcp.Client(mcp_server(desk)) as client:
            told = client.server_info
            listed = (await client.list_tools()).tools
            about = await client.call_tool("about", {})
            wrong = await client.call_tool("read", {"recording": "r9"})
            odd = await client.call_tool("predict", {"recording": "r1", "cuont": 3})
            briefing = await client.call_tool("briefing", {"recording": "r1", "window": 0})
        return told, listed, about, wrong, odd, briefing

    told, listed, about, wrong, odd, briefing = asyncio.run(talk())
    assert (told.name, told.version) == ("auricle", auricle.__version__)
    assert [tool.name for tool in listed] == ["about", "read", "predict", "explain", "briefing"]
    assert all(tool.input_schema["additionalProperties"] is False for tool in listed)
    assert about.structured_content == json.loads(about.content[0].text)
    assert about.structured_content["specialist"] == "af"
    assert wrong.is_error
    assert wrong.content[0].text == "there is no recording 'r9'; known are r1 to r2"
    assert odd.is_error
    assert odd.content[0].text == "predict takes no argument 'cuont'; did you mean 'count'?"
    kinds = [part.type for part in briefing.content]
    assert kinds[0] == "text"
    assert "image" in kinds
    text = " ".join(part.text for part in briefing.content if part.type == "text")
    assert "Jane" not in text
    for label in about.structured_content["labels"]:
        assert label["label"] in text


def test_the_command_serves_over_its_streams(desk, tmp_path):
    mcp = pytest.importorskip("mcp", reason="the extra mcp is not installed")
    np.savetxt(tmp_path / "strip.csv", sinus(30, 300, seed=4).samples().T, header="I", comments="", fmt="%.5f")
    source = str(Path(auricle.__file__).parents[1])
    command = mcp.StdioServerParameters(
        command=sys.executable, env={**os.environ, "PYTHONPATH": source},
        args=["-m", "auricle", "mcp", "af", str(tmp_path / "strip.csv"), "--fs", "300", "--unit", "mV"],
    )  # fmt: skip

    async def talk():
        async with mcp.Client(command) as client:
            return await client.call_tool("read", {"recording": "r1"})

    assert asyncio.run(talk()).structured_content["seconds"] == 30.0
