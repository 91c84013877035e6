"""The official MCP client against a served agent: over HTTP and stdio, with and without a handshake."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from mcp import Client, MCPError, StdioServerParameters

from tests.drivers.agent_programs import HANDLE, Served, compiled, environment_for
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Call, Calls, Failure, Stream, Text

LEGACY, MODERN = "legacy", "auto"


@pytest.fixture(params=[f"{way}-{mode}" for way in ("http", "stdio") for mode in (LEGACY, MODERN)])
def client(request: pytest.FixtureRequest, served: Served, model: OpenAIStandIn) -> Client:
    """A client that is not connected yet."""
    way, mode = request.param.split("-")
    if way == "http":
        return Client(f"{served.url}/mcp", mode=mode)
    program = StdioServerParameters(
        command=str(compiled("standalone")), args=["--mcp"], env=environment_for(model)
    )
    return Client(program, mode=mode)


def text_of(result: Any) -> str:
    return "".join(part.text for part in result.content)


async def test_a_client_finds_the_agent_and_asks_it(client: Client) -> None:
    async with client:
        assert client.server_info is not None
        assert client.server_info.name == HANDLE
        assert client.protocol_version in ("2025-11-25", "2026-07-28")
        (tool,) = (await client.list_tools()).tools
        assert tool.name == "ask"
        assert "Answers questions about time and numbers." in (tool.description or "")
        result = await client.call_tool("ask", {"message": "Hello there"})
        assert (text_of(result), result.is_error) == ("You said: Hello there", False)


async def test_words_are_progress(client: Client, model: OpenAIStandIn) -> None:
    model.replies.extend([Calls((Call("calculator", {"expression": "6*7"}),)), Text.of("It is 42.")])
    reports: list[tuple[float, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        assert total is None
        reports.append((progress, message))

    async with client:
        result = await client.call_tool("ask", {"message": "6*7?"}, progress_callback=note)
    assert text_of(result) == "It is 42."
    assert [message for _, message in reports] == ["[calculator]", "It ", "is ", "42."]
    assert [number for number, _ in reports] == [1, 2, 3, 4]


async def test_failures_are_results_for_the_model(client: Client, model: OpenAIStandIn) -> None:
    model.replies.append(Failure(401, "invalid_api_key", "Incorrect API key provided."))
    async with client:
        result = await client.call_tool("ask", {"message": "Hello"})
        assert result.is_error
        assert "provider_refused" in text_of(result)
        assert (await client.call_tool("ask", {"massage": "Hello"})).is_error
        with pytest.raises(MCPError, match="there is no tool"):
            await client.call_tool("remove", {})


async def test_earlier_messages_are_sent_along(client: Client, model: OpenAIStandIn) -> None:
    history = [{"role": "user", "content": "I am Ada."}, {"role": "assistant", "content": "Hello, Ada."}]
    async with client:
        await client.call_tool("ask", {"message": "Who am I?", "history": history})
    assert [m["content"] for m in model.asked[-1].json["messages"]][1:] == [
        "I am Ada.",
        "Hello, Ada.",
        "Who am I?",
    ]


@pytest.fixture
def unending(model: OpenAIStandIn) -> Iterator[threading.Event]:
    """Let the model begin an answer that goes on until the agent hangs up; the event is set then."""
    ended = threading.Event()

    def words() -> Iterator[bytes]:
        try:
            while True:
                yield b'data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
        finally:
            ended.set()

    class Unending(tuple[bytes, ...]):
        def __iter__(self) -> Iterator[bytes]:
            return words()

    model.replies.append(Stream(Unending()))
    yield ended
    assert ended.wait(60)


async def test_a_client_that_leaves_ends_the_answer(client: Client, unending: threading.Event) -> None:
    begun = asyncio.Event()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        begun.set()

    async with client:
        call = asyncio.create_task(client.call_tool("ask", {"message": "Go on"}, progress_callback=note))
        await asyncio.wait_for(begun.wait(), 60)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await asyncio.to_thread(unending.wait, 60)


def test_foreign_pages_do_not_reach_it(served: Served) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        assert httpx.post(f"{served.url}/mcp", json=message, headers=headers).status_code == 403
    assert httpx.post(f"{served.url}/mcp", json=message, headers={"Origin": served.url}).status_code == 200
    for method in ("GET", "DELETE"):
        refused = httpx.request(method, f"{served.url}/mcp")
        assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "arguments",
    [
        {"message": "What is this?", "images": [{"data": "R0lGODlh"}]},
        {"message": "x", "history": [{"role": "user", "content": [{"type": "image", "data": "R0lGODlh"}]}]},
    ],
)
async def test_images_are_refused_in_words(
    client: Client, model: OpenAIStandIn, arguments: dict[str, Any]
) -> None:
    async with client:
        result = await client.call_tool("ask", arguments)
    assert result.is_error
    assert "it takes text only, for MCP hands no images to tools" in text_of(result)
    assert model.asked == []
