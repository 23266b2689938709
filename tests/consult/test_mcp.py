"""What an assistant learns over MCP, and what it does not."""

import asyncio
import json
from types import SimpleNamespace

import numpy as np
import pytest

from auricle import Specialist
from auricle.consult.desk import Desk
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
        (lambda d: d.read("r3"), "there are r1 to r2"),
        (lambda d: d.read("../x"), "there is no such recording"),
        (lambda d: d.read("r\u0661"), "there is no such recording"),
        (lambda d: d.explain("r1", 9), "it has 0 to 2"),
        (lambda d: d.explain("r1", -1), "it has 0 to 2"),
        (lambda d: d.predict("r1", count=0), "count is 1 to 100"),
        (lambda d: d.predict("r1", first=-1), "first counts from 0"),
    ],
)
def test_what_is_not_there(desk, ask, text):
    with pytest.raises(InputError, match=text):
        ask(desk)


def test_over_the_protocol(desk):
    mcp = pytest.importorskip("mcp", reason="the extra mcp is not installed")
    from auricle.consult.mcp_server import mcp_server  # noqa: PLC0415

    async def talk():
        async with mcp.Client(mcp_server(desk)) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            about = await client.call_tool("about", {})
            wrong = await client.call_tool("read", {"recording": "r9"})
            odd = await client.call_tool("predict", {"recording": "r1", "count": 100000})
            briefing = await client.call_tool("briefing", {"recording": "r1", "window": 0})
        return tools, about, wrong, odd, briefing

    tools, about, wrong, odd, briefing = asyncio.run(talk())
    assert tools == {"about", "read", "predict", "explain", "briefing"}
    assert about.structured_content["specialist"] == "af"
    assert wrong.is_error
    assert "there are r1 to r2" in wrong.content[0].text
    assert odd.is_error
    kinds = [part.type for part in briefing.content]
    assert kinds[0] == "text"
    assert "image" in kinds
    text = " ".join(part.text for part in briefing.content if part.type == "text")
    assert "Jane" not in text
    for label in desk.explain("r1", 0)["labels"]:
        assert label in text
