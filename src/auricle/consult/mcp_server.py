"""The desk as an MCP server: an assistant on the same computer asks the specialist itself."""

from typing import Annotated, Any, Literal

from pydantic import Field

from auricle.consult.desk import MOST, Desk
from auricle.errors import AuricleError, MissingExtraError

INSTRUCTIONS = (
    "A small specialist judges windows of a biosignal. It gives prediction sets: the labels that can't be ruled out. "
    "Ask `about` first. A set of one label is confident, of several uncertain, an empty one unfamiliar. The specialist "
    "is for research and engineering; it is no medical device, and neither its findings nor yours are a diagnosis."
)

RecordingName = Annotated[str, Field(description='"r1", "r2", ..., as `about` lists them')]
Window = Annotated[int, Field(description="number of the window in its recording, from 0", ge=0)]


def mcp_server(desk: Desk) -> Any:
    """Make the server, an `mcp.server.MCPServer`; `run("stdio")` serves it.

    Raises
    ------
    MissingExtraError
        The extra `mcp` is not installed.
    """
    try:
        from mcp.server import MCPServer  # noqa: PLC0415 -- of an extra
        from mcp.server.mcpserver import Image  # noqa: PLC0415
        from mcp.server.mcpserver.exceptions import ToolError  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("serving a specialist to assistants needs MCP; pip install 'auricle[mcp]'") from error

    server = MCPServer("auricle", instructions=INSTRUCTIONS)

    def answered(ask: Any, *args: Any, **options: Any) -> Any:
        try:
            return ask(*args, **options)
        except AuricleError as error:
            raise ToolError(str(error)) from None

    @server.tool(description="What the specialist judges, what its sets promise, and which recordings there are.")
    def about() -> dict[str, Any]:
        return desk.about()

    @server.tool(description="Length, rate and number of channels of a recording.")
    def read(recording: RecordingName) -> dict[str, Any]:
        found: dict[str, Any] = answered(desk.read, recording)
        return found

    @server.tool(description="Sets, states, scores and p-values of some windows of a recording.")
    def predict(
        recording: RecordingName,
        first: Annotated[int, Field(description="first window, from 0", ge=0)] = 0,
        count: Annotated[int, Field(ge=1, le=MOST)] = 20,
    ) -> dict[str, Any]:
        found: dict[str, Any] = answered(desk.predict, recording, first=first, count=count)
        return found

    @server.tool(description="The finding about one window, with the stretches that speak for each label of its set.")
    def explain(recording: RecordingName, window: Window) -> dict[str, Any]:
        found: dict[str, Any] = answered(desk.explain, recording, window)
        return found

    @server.tool(
        description="The briefing on one window: text, and pictures of the signal with the evidence for each label.",
        structured_output=False,
    )
    def briefing(
        recording: RecordingName, window: Window,
        pictures: Annotated[Literal["evidence", "plain", "none"], Field(description="which pictures")] = "evidence",
    ) -> list[Any]:  # fmt: skip
        made = answered(desk.briefing, recording, window, show=pictures)
        parts = [part if isinstance(part, str) else Image(data=part.png, format="png") for part in made.parts]
        return [made.instructions, *parts]

    return server
