"""HTTP CONNECT proxy on a unix socket: a sandboxed agent reaches its provider and its tools' hosts, no more.

The sandbox has no network; the socket is its only way out. TLS ends in the agent, so a key passes through
here in clear text only when the provider's URL is plain http, or while an evaluation is recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from agentforge.outbound import OutboundError, resolve
from agentforge.telemetry.outbound_calls import OutboundCall, outbound_call

# RFC 9110, 9.3.6: the target of CONNECT is authority-form, host and port.
_CONNECT = re.compile(rb"CONNECT (\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253}):(\d{1,5}) HTTP/1\.[01]\r\n")
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_HEAD_LIMIT = 8 * 1024
_HEAD_SECONDS = 10.0
CONNECT_SECONDS = 10.0
_WEB_PORTS = frozenset((80, 443))
_PIECE = 64 * 1024
# Each takes two files of the worker, which serves other chats too.
_MOST_CONNECTIONS = 32

Destination = tuple[str, int]
OnAttempt = Callable[[str, int, bool], None]
# Serves a connection in the proxy itself, in the place of a destination.
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def destination_of(url: str) -> Destination:
    """Return the host (lower case, no brackets) and port of a provider's base URL.

    Raises ValueError for a URL without a host or with a port out of range.
    """
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError(f"{url!r} has no host.")
    return parts.hostname.lower(), parts.port or (80 if parts.scheme == "http" else 443)


class EgressProxy:
    """Opens tunnels to the allowed destinations; calls `on_attempt(host, port, allowed)` for each attempt."""

    def __init__(
        self,
        allowed: set[Destination],
        on_attempt: OnAttempt,
        tool_hosts: Sequence[str],
        served: Mapping[Destination, Serve],
    ) -> None:
        self._allowed = allowed
        self._served = served
        self._tool_hosts = tool_hosts
        self._on_attempt = on_attempt

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of the agent."""
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            # The agent or the provider disconnected; closing the writer tells the other side.
            pass
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_HEAD_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        request = _CONNECT.match(head)
        if request is None:
            await _respond(writer, "400 Bad Request", "This proxy supports only CONNECT host:port.")
            return
        host, port = request[1].decode().strip("[]").lower(), int(request[2])
        if (serve := self._served.get((host, port))) is not None:
            writer.write(_ESTABLISHED)
            await serve(reader, writer)
            return
        with outbound_call("CONNECT", host) as call:
            await self._tunnel(host, port, reader, writer, call)

    async def _tunnel(
        self,
        host: str,
        port: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        call: OutboundCall,
    ) -> None:
        for_tool = (host, port) not in self._allowed
        if for_tool and not lists_host(self._tool_hosts, host, port):
            call.outcome = "refused"
            self._on_attempt(host, port, False)
            text = f"{host}:{port} is neither this agent's provider nor a host of its tools."
            await _respond(writer, "403 Forbidden", text)
            return
        try:
            remote_reader, remote_writer = await connect(host, port, for_tool=for_tool)
        except OutboundError as refusal:
            call.outcome = "refused"
            self._on_attempt(host, port, False)
            await _respond(writer, "403 Forbidden", str(refusal))
            return
        except (OSError, TimeoutError):
            call.outcome = "unreachable"
            self._on_attempt(host, port, True)
            await _respond(writer, "502 Bad Gateway", f"{host}:{port} did not answer.")
            return
        self._on_attempt(host, port, True)
        call.outcome = "connected"
        writer.write(_ESTABLISHED)
        async with asyncio.TaskGroup() as both:
            both.create_task(_pump(reader, remote_writer))
            both.create_task(_pump(remote_reader, writer))


def lists_host(entries: Sequence[str], host: str, port: int) -> bool:
    """Return whether a list of hosts has one: "example.org", "*.example.org" for those below, or with a port.

    Without a port, an entry stands for 80 and 443 (agent/outbound).
    """
    for entry in entries:
        name, _, listed = entry.partition(":")
        ports = _WEB_PORTS if listed in ("", "80", "443") else {int(listed)}
        if port in ports and (host == name or (name.startswith("*.") and host.endswith(name[1:]))):
            return True
    return False


async def connect(
    host: str, port: int, *, for_tool: bool = False, tls: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a checked address rather than the name, which could resolve differently the next time.

    Raises OutboundError for an address that is not allowed, and OSError.
    """
    name = host if tls else None
    async with asyncio.timeout(CONNECT_SECONDS):
        addresses = await asyncio.to_thread(resolve, host, port, for_tool=for_tool)
        for number, address in enumerate(addresses, start=1):
            try:
                return await asyncio.open_connection(address, port, ssl=tls, server_hostname=name)
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


async def _respond(writer: asyncio.StreamWriter, status: str, text: str) -> None:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()


@asynccontextmanager
async def proxy_server(
    socket: Path,
    allowed: set[Destination],
    on_attempt: OnAttempt,
    tool_hosts: Sequence[str] = (),
    served: Mapping[Destination, Serve] = MappingProxyType({}),
) -> AsyncIterator[None]:
    """Serve the proxy on a unix socket during the block, then close every tunnel."""
    proxy = EgressProxy(allowed, on_attempt, tool_hosts, served)
    connections: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if len(connections) >= _MOST_CONNECTIONS:
            writer.close()
            return
        if task is not None:
            connections.add(task)
            task.add_done_callback(connections.discard)
        await proxy.handle(reader, writer)

    with _short_path(socket) as address:
        server = await asyncio.start_unix_server(handle, address, limit=_HEAD_LIMIT)
        try:
            yield
        finally:
            server.close()
            for task in list(connections):
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)


@contextmanager
def _short_path(socket: Path) -> Iterator[str]:
    """Name a socket by its directory's descriptor: paths of sockets are limited to 107 bytes."""
    directory = os.open(socket.parent, os.O_PATH)
    try:
        yield f"/proc/self/fd/{directory}/{socket.name}"
    finally:
        os.close(directory)
