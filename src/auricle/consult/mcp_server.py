"""The desk as an MCP server: an assistant on the same computer asks the specialist itself."""

import asyncio
import json
from typing import Any, Final

import auricle
from auricle.consult.desk import Desk
from auricle.consult.tools import TOOLS, Picture, answered
from auricle.errors import InputError, MissingExtraError

INSTRUCTIONS: Final = (
    "A small specialist judges windows of a biosignal. It gives prediction sets: the labels that can't be ruled out. "
    "Ask `about` first. A set of one label is confident, of several uncertain, an empty one unfamiliar. The specialist "
    "is for research and engineering; it is no medical device, and neither its findings nor yours are a diagnosis."
)


def mcp_server(desk: Desk) -> Any:
    """Make the server, an `mcp.server.Server`; `serve` runs it.

    Raises
    ------
    MissingExtraError
        The extra `mcp` is not installed.

    Notes
    -----
    Questions are answered in threads, so that a ping is answered while a day of ECG is judged. Of the two ways that the
    package has, the lower one is taken: the other passes arguments that it doesn't know over in silence, and answers
    wrong ones with the words of the library that noticed.
    """
    try:
        from mcp import types  # noqa: PLC0415 -- of an extra
        from mcp.server import Server  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("serving a specialist to assistants needs MCP; pip install 'auricle[mcp]'") from error

    async def list_tools(_context: Any, _page: Any) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=one.name, description=one.description, input_schema=one.arguments.model_json_schema(),
                    annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=False),
                )
                for one in TOOLS
            ]
        )  # fmt: skip

    async def call_tool(_context: Any, asked: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            answer = await asyncio.to_thread(answered, desk, asked.name, asked.arguments or {})
        except InputError as error:
            return types.CallToolResult(content=[types.TextContent(text=str(error))], is_error=True)
        if isinstance(answer, dict):
            text = types.TextContent(text=json.dumps(answer, ensure_ascii=False))
            return types.CallToolResult(content=[text], structured_content=answer)
        return types.CallToolResult(
            content=[
                types.ImageContent(data=part.base64, mime_type="image/png")
                if isinstance(part, Picture)
                else types.TextContent(text=part)
                for part in answer
            ]
        )

    return Server(
        "auricle", version=auricle.__version__, instructions=INSTRUCTIONS, on_list_tools=list_tools,
        on_call_tool=call_tool,
    )  # fmt: skip


def serve(desk: Desk) -> None:
    """Serve a desk over standard input and output until the input ends.

    Raises
    ------
    MissingExtraError
        The extra `mcp` is not installed.
    """
    server = mcp_server(desk)

    async def run() -> None:
        from mcp.server.stdio import stdio_server  # noqa: PLC0415 -- of an extra

        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    asyncio.run(run())
