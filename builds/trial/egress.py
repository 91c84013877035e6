"""Let a sandboxed agent reach its provider and nothing else: an HTTP CONNECT proxy on a unix socket.

The sandbox has no network; the socket is its only way out. The tunnel stays the agent's own (TLS ends in
the agent), so no key passes through here in the clear where the provider speaks https.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from agentforge.outbound import OutboundError, resolve

# RFC 9110, 9.3.6: the target of CONNECT is authority-form, host and port.
_CONNECT = re.compile(rb"CONNECT (\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253}):(\d{1,5}) HTTP/1\.[01]\r\n")
_HEAD_LIMIT = 8 * 1024
_HEAD_SECONDS = 10.0
_CONNECT_SECONDS = 10.0
_PIECE = 64 * 1024

Destination = tuple[str, int]
OnAttempt = Callable[[str, int, bool], None]


def destination_of(url: str) -> Destination:
    """Return the host (lower case, no brackets) and port that a provider's base URL leads to.

    Raises ValueError for a URL without a host or with a port out of range.
    """
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError(f"{url!r} names no host.")
    return parts.hostname.lower(), parts.port or (80 if parts.scheme == "http" else 443)


class EgressProxy:
    """Open tunnels to the allowed destinations; `on_attempt(host, port, allowed)` hears of every attempt."""

    def __init__(self, allowed: set[Destination], on_attempt: OnAttempt) -> None:
        self._allowed = allowed
        self._on_attempt = on_attempt

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of the agent."""
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            # The agent, or the provider, went away: the other side sees the connection end.
            pass
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_HEAD_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        asked = _CONNECT.match(head)
        if asked is None:
            await _answer(writer, "400 Bad Request", "This proxy knows CONNECT host:port only.")
            return
        host, port = asked[1].decode().strip("[]").lower(), int(asked[2])
        if (host, port) not in self._allowed:
            self._on_attempt(host, port, False)
            await _answer(writer, "403 Forbidden", f"{host}:{port} is not this agent's provider.")
            return
        try:
            away_reader, away_writer = await _open(host, port)
        except OutboundError as refusal:
            self._on_attempt(host, port, False)
            await _answer(writer, "403 Forbidden", str(refusal))
            return
        except (OSError, TimeoutError):
            self._on_attempt(host, port, True)
            await _answer(writer, "502 Bad Gateway", f"{host}:{port} did not answer.")
            return
        self._on_attempt(host, port, True)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        async with asyncio.TaskGroup() as both:
            both.create_task(_pump(reader, away_writer))
            both.create_task(_pump(away_reader, writer))


async def _open(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to an address that was judged, not to the name: it could change its mind in between."""
    async with asyncio.timeout(_CONNECT_SECONDS):
        addresses = await asyncio.to_thread(resolve, host, port)
        for number, address in enumerate(addresses, start=1):
            try:
                return await asyncio.open_connection(address, port)
            except OSError:
                if number == len(addresses):
                    raise
    raise OSError(f"{host} has no address")


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_PIECE):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _answer(writer: asyncio.StreamWriter, status: str, text: str) -> None:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()


@asynccontextmanager
async def serving(socket: Path, allowed: set[Destination], on_attempt: OnAttempt) -> AsyncIterator[None]:
    """Serve the proxy on a unix socket while the body runs; then every tunnel is closed."""
    proxy = EgressProxy(allowed, on_attempt)
    connections: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            connections.add(task)
            task.add_done_callback(connections.discard)
        await proxy.handle(reader, writer)

    server = await asyncio.start_unix_server(handle, socket, limit=_HEAD_LIMIT)
    try:
        yield
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
