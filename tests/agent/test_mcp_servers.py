"""An agent calls tools of the official MCP server: over HTTP, and as a program of its machine."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from builds.trial.draft_program import draft_program
from configs.models import AgentConfig
from configs.presets import PRESET_VALUES
from configs.providers import PROVIDERS
from configs.revisions import canonical_json, configuration
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Call, Calls, Text

PEER = """
import sys
from mcp.server import MCPServer
server = MCPServer("peer")
@server.tool()
def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b
if sys.argv[1] == "stdio":
    server.run(transport="stdio")
else:
    import socket, uvicorn
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(server.streamable_http_app(), log_level="error")).run(sockets=[listener])
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-c", PEER, "http"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/mcp"
        process.terminate()


def listed(address: str) -> dict[str, Any]:
    """Return the tool as the server lists it, which is what an agent is given."""

    async def ask() -> Any:
        async with Client(address) as client:
            return (await client.list_tools()).tools[0]

    tool = asyncio.run(ask())
    return {"name": tool.name, "description": tool.description, "schema": tool.input_schema}


def answer(settings: dict[str, Any], function: str, directory: Path) -> dict[str, Any]:
    """Return the result of one call of a function by an agent with these settings."""
    values = {**PRESET_VALUES["balanced"], "provider": "openai", "model": "gpt-x", "tools": list(settings)}
    agent = AgentConfig(name="Ada", handle="ada", tool_settings=settings, **values)
    document = directory / "agent.json"
    document.write_text(canonical_json(configuration(agent)))
    provider = PROVIDERS["openai"]
    with OpenAIStandIn() as model:
        model.replies.extend([Calls((Call(function, {"a": 2, "b": 3}),)), Text.of("Done.")])
        done = subprocess.run(
            [str(asyncio.run(draft_program())), "--request", str(document)],
            input=json.dumps({"messages": [{"role": "user", "content": "2+3?"}]}).encode(),
            env={
                "PATH": os.environ["PATH"],
                "AGENT_PRIVATE_HOSTS": "127.0.0.1",
                provider.base_url_env: model.url,
                provider.key_env: model.key,
            },
            capture_output=True,
            timeout=60,
            check=True,
        )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    result: dict[str, Any] = next(event for event in events if event["type"] == "tool_result")
    return result


@pytest.mark.parametrize("protocol", ["", "2026-07-28", "2025-11-25"])
def test_a_server_at_an_address(address: str, protocol: str, tmp_path: Path) -> None:
    part = {**listed(address), "function": "mcp_peer_add", "reads": True}
    server = {"name": "peer", "url": address, "tools": [part], **({"protocol": protocol} if protocol else {})}
    result = answer({"mcp": {"servers": [server]}}, "mcp_peer_add", tmp_path)
    assert (result["result"], result["error"]) == ("5", False)


def test_a_program(address: str, tmp_path: Path) -> None:
    part = {**listed(address), "function": "local_peer_add", "reads": True}
    server = {"name": "peer", "command": sys.executable, "args": ["-c", PEER, "stdio"], "tools": [part]}
    result = answer({"local": {"servers": [server]}}, "local_peer_add", tmp_path)
    assert (result["result"], result["error"]) == ("5", False)
