"""Stands between an agent and its providers in the sandbox's proxy: records their answers, or replays them.

The agent gets addresses that only exist in the proxy. While recording, each request goes on to the provider,
with the agent's key; while replaying, nothing leaves.
"""

from __future__ import annotations

import asyncio
import functools
import json
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import closing
from functools import partial
from urllib.parse import urlsplit

import h11

from agentforge.outbound import OutboundError, resolve
from agentforge.telemetry.outbound_calls import outbound_call
from builds.trial.egress import Destination, Serve, destination_of

from .tape import MOST_BYTES, ProviderAnswer, Tape

MISSING = (
    "This question is not in the recording: what the provider would be asked has changed. "
    "Evaluate without the recording."
)
_PIECE = 64 * 1024
_CONNECT_SECONDS = 10.0
# What is between two machines only, and what would be compressed.
_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"host", b"accept-encoding"}
_KEPT = {"content-type", "retry-after"}


class Recorder:
    """Records on a new tape, or replays one; `missed` counts requests that it does not have."""

    def __init__(self, tape: Tape | None = None) -> None:
        self.tape = tape or Tape()
        self._replays = tape is not None
        self.missed = 0

    def between(
        self, document: str, environment: Mapping[str, str]
    ) -> tuple[dict[str, str], dict[Destination, Serve]]:
        """Return an environment in which an agent's providers are here, and what serves it there."""
        content = json.loads(document)
        changed, served = dict(environment), dict[Destination, Serve]()
        for section in (content[name] for name in ("provider", "fallback") if name in content):
            name = section["base_url_env"]
            upstream = environment.get(name) or section["base_url"]
            host = f"{name.lower().replace('_', '-')}.recording"
            changed[name] = f"http://{host}{urlsplit(upstream).path}"
            served[host, 80] = partial(self._serve, upstream)
        return changed, served

    async def _serve(self, upstream: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        agent = h11.Connection(h11.SERVER)
        while True:
            request = await _event(agent, reader)
            if not isinstance(request, h11.Request):
                return
            body = b"".join([bytes(part.data) async for part in _parts(agent, reader)])
            if self._replays:
                await self._replay(agent, writer, request, body)
            else:
                await self._record(upstream, agent, writer, request, body)
            if agent.our_state is not h11.DONE or agent.their_state is not h11.DONE:
                return
            agent.start_next_cycle()

    async def _replay(
        self, agent: h11.Connection, writer: asyncio.StreamWriter, request: h11.Request, body: bytes
    ) -> None:
        answer = self.tape.next(*_line(request), body)
        if answer is None:
            self.missed += 1
            text = json.dumps({"error": {"message": MISSING, "type": "not_recorded"}})
            answer = ProviderAnswer(400, (("content-type", "application/json"),), text)
        content = answer.body.encode()
        headers = [*answer.headers, ("content-length", str(len(content)))]
        writer.write(_bytes(agent, h11.Response(status_code=answer.status, headers=headers)))
        writer.write(_bytes(agent, h11.Data(data=content)) + _bytes(agent, h11.EndOfMessage()))
        await writer.drain()

    async def _record(
        self,
        upstream: str,
        agent: h11.Connection,
        writer: asyncio.StreamWriter,
        request: h11.Request,
        body: bytes,
    ) -> None:
        method, target = _line(request)
        host, _ = destination_of(upstream)
        with outbound_call(method, host) as call:
            source, sink = await _connect(upstream)
            with closing(sink):
                provider = h11.Connection(h11.CLIENT)
                sink.write(_request(provider, upstream, request, body))
                await sink.drain()
                response = await _event(provider, source)
                while isinstance(response, h11.InformationalResponse):
                    response = await _event(provider, source)
                if not isinstance(response, h11.Response):
                    raise ConnectionError(f"{host} did not answer in HTTP")
                call.outcome = str(response.status_code)
                headers = [(name, value) for name, value in response.headers if name not in _HOP]
                writer.write(_bytes(agent, h11.Response(status_code=response.status_code, headers=headers)))
                received = bytearray()
                try:
                    async for part in _parts(provider, source):
                        if len(received) <= MOST_BYTES:
                            received += part.data
                        writer.write(_bytes(agent, h11.Data(data=bytes(part.data))))
                        await writer.drain()
                    writer.write(_bytes(agent, h11.EndOfMessage()))
                    await writer.drain()
                finally:
                    # An agent that has its answer may be gone before the end, and this is cancelled with it.
                    kept = tuple(pair for pair in _texts(headers) if pair[0] in _KEPT)
                    text = received.decode(errors="replace")
                    self.tape.add(method, target, body, ProviderAnswer(response.status_code, kept, text))


async def _connect(upstream: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a checked address of a provider. Raises OSError."""
    host, port = destination_of(upstream)
    context = _trusted() if urlsplit(upstream).scheme == "https" else None
    async with asyncio.timeout(_CONNECT_SECONDS):
        try:
            addresses = await asyncio.to_thread(resolve, host, port)
        except OutboundError as refusal:
            raise ConnectionError(str(refusal)) from refusal
        for number, address in enumerate(addresses, start=1):
            try:
                name = host if context else None
                return await asyncio.open_connection(address, port, ssl=context, server_hostname=name)
            except OSError:
                if number == len(addresses):
                    raise
    raise ConnectionError(f"{host} has no address")


@functools.cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


def _request(provider: h11.Connection, upstream: str, request: h11.Request, body: bytes) -> bytes:
    """Return a request as it goes on to the provider."""
    headers = [(name, value) for name, value in request.headers if name not in {*_HOP, b"content-length"}]
    headers += [
        (b"host", urlsplit(upstream).netloc.encode()),
        (b"connection", b"close"),
        (b"content-length", str(len(body)).encode()),
    ]
    head = h11.Request(method=request.method, target=request.target, headers=headers)
    return (
        _bytes(provider, head) + _bytes(provider, h11.Data(data=body)) + _bytes(provider, h11.EndOfMessage())
    )


def _line(request: h11.Request) -> tuple[str, str]:
    return request.method.decode(), request.target.decode()


def _texts(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]


def _bytes(connection: h11.Connection, event: h11.Event) -> bytes:
    return connection.send(event) or b""


async def _event(connection: h11.Connection, reader: asyncio.StreamReader) -> object:
    """Return the next event of the other side. Raises ConnectionError for what is not HTTP."""
    try:
        while (event := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(await reader.read(_PIECE))
    except h11.RemoteProtocolError as error:
        raise ConnectionError(str(error)) from error
    return event


async def _parts(connection: h11.Connection, reader: asyncio.StreamReader) -> AsyncIterator[h11.Data]:
    """Yield the pieces of a body, to its end."""
    while isinstance(event := await _event(connection, reader), h11.Data):
        yield event
    if not isinstance(event, h11.EndOfMessage):
        raise ConnectionError("a message ended early")
