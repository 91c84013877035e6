from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from builds.trial import egress

Attempts = list[tuple[str, int, bool]]


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """The port of an echo server on the loopback interface."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(100))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _ask(socket: Path, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
    reader, writer = await asyncio.open_unix_connection(socket)
    writer.write(request)
    return reader, writer, await reader.readuntil(b"\r\n\r\n")


async def test_the_provider_is_reached(tmp_path: Path, echo: int, settings: Settings) -> None:
    settings.AGENTFORGE_ALLOWED_HOSTS = [f"127.0.0.1:{echo}"]
    attempts: Attempts = []
    async with egress.proxy_server(
        tmp_path / "s", {("127.0.0.1", echo)}, lambda *args: attempts.append(args)
    ):
        request = f"CONNECT 127.0.0.1:{echo} HTTP/1.1\r\nHost: x\r\n\r\n"
        reader, writer, head = await _ask(tmp_path / "s", request.encode())
        assert head.startswith(b"HTTP/1.1 200 ")
        writer.write(b"hello")
        assert await reader.read(100) == b"hello"
        writer.close()
    assert attempts == [("127.0.0.1", echo, True)]


async def test_any_other_host_or_port_is_refused(tmp_path: Path, echo: int, settings: Settings) -> None:
    settings.AGENTFORGE_ALLOWED_HOSTS = ["127.0.0.1"]
    attempts: Attempts = []
    async with egress.proxy_server(tmp_path / "s", {("127.0.0.1", 1)}, lambda *args: attempts.append(args)):
        _, writer, head = await _ask(tmp_path / "s", f"CONNECT 127.0.0.1:{echo} HTTP/1.1\r\n\r\n".encode())
        assert head.startswith(b"HTTP/1.1 403 ")
        writer.close()
    assert attempts == [("127.0.0.1", echo, False)]


async def test_a_private_address_needs_the_operator(tmp_path: Path, echo: int) -> None:
    attempts: Attempts = []
    async with egress.proxy_server(
        tmp_path / "s", {("127.0.0.1", echo)}, lambda *args: attempts.append(args)
    ):
        _, writer, head = await _ask(tmp_path / "s", f"CONNECT 127.0.0.1:{echo} HTTP/1.1\r\n\r\n".encode())
        assert head.startswith(b"HTTP/1.1 403 ")
        writer.close()
    assert attempts == [("127.0.0.1", echo, False)]


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET http://127.0.0.1/ HTTP/1.1",
        b"CONNECT 127.0.0.1 HTTP/1.1",
        b"CONNECT evil\x00host:80 HTTP/1.1",
        b"CONNECT user@host:80 HTTP/1.1",
    ],
)
async def test_whatever_is_no_connect_is_refused(tmp_path: Path, request_line: bytes) -> None:
    attempts: Attempts = []
    async with egress.proxy_server(tmp_path / "s", {("127.0.0.1", 80)}, lambda *args: attempts.append(args)):
        _, writer, head = await _ask(tmp_path / "s", request_line + b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        writer.close()
    assert attempts == []


@pytest.mark.parametrize(
    ("url", "destination"),
    [
        ("https://api.openai.com/v1", ("api.openai.com", 443)),
        ("http://LOCALHOST:8011/v1", ("localhost", 8011)),
        ("http://[::1]/v1", ("::1", 80)),
    ],
)
def test_the_destination_of_a_base_url(url: str, destination: egress.Destination) -> None:
    assert egress.destination_of(url) == destination


@pytest.mark.parametrize(
    ("host", "port", "is_listed"),
    [
        ("a.example", 443, True),
        ("a.example", 80, True),
        ("a.example", 8443, False),
        ("b.example", 8443, True),
        ("b.example", 443, False),
        ("x.y.c.example", 443, True),
        ("c.example", 443, False),
        ("xc.example", 443, False),
        ("a.example.evil", 443, False),
    ],
)
def test_hosts_of_tools(host: str, port: int, is_listed: bool) -> None:
    assert egress.lists_host(["a.example", "b.example:8443", "*.c.example"], host, port) is is_listed


@pytest.mark.parametrize("setting", ["AGENTFORGE_FORGE_URL", "AGENTFORGE_ALLOWED_HOSTS"])
async def test_a_tool_reaches_no_server_of_the_operator(
    tmp_path: Path, echo: int, settings: Settings, setting: str
) -> None:
    at = f"127.0.0.1:{echo}"
    listed = setting == "AGENTFORGE_ALLOWED_HOSTS"
    setattr(settings, setting, [at] if listed else f"http://{at}")
    attempts: Attempts = []
    async with egress.proxy_server(
        tmp_path / "s", set(), lambda *args: attempts.append(args), tool_hosts=[at]
    ):
        reader, writer, head = await _ask(tmp_path / "s", f"CONNECT {at} HTTP/1.1\r\n\r\n".encode())
        assert head.startswith(b"HTTP/1.1 200 " if listed else b"HTTP/1.1 403 ")
        if listed:
            writer.write(b"hello")
            assert await reader.read(100) == b"hello"
        writer.close()
    assert attempts == [("127.0.0.1", echo, listed)]
