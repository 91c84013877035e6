"""Stands between an agent and its providers in the sandbox's proxy: records their answers, or replays them.

The agent gets addresses that only exist in the proxy. While recording, each request goes on to the provider,
with the agent's key; while replaying, nothing leaves.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from functools import partial
from urllib.parse import urlsplit

import h11

from agentforge.outbound import OutboundError, reason, tls_context
from agentforge.telemetry.outbound_calls import outbound_call
from builds.trial.egress import CONNECT_SECONDS, Destination, Serve, connect, destination_of

from .tape import MOST_BYTES, ProviderAnswer, Tape

MISSING = (
    "This question is not in the recording: what the provider would be asked has changed. "
    "Evaluate without the recording."
)
_PIECE = 64 * 1024
# Far more than a model reads.
_LONGEST_REQUEST = 16 * 1024 * 1024
# What is between two machines only, and what would be compressed.
_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"host", b"accept-encoding"}
_KEPT = {"content-type", "retry-after"}


class BrokenOffError(ConnectionError):
    """A provider did not finish its answer."""


class Recorder:
    """Records on a new tape, or replays one; `missed` counts requests that it does not have."""

    def __init__(self, tape: Tape | None = None) -> None:
        self.tape = tape or Tape()
        self.replays = tape is not None
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
            if self.replays and section["key_env"]:
                # An agent does not ask without a key. This one stays here.
                changed.setdefault(section["key_env"], "none")
            served[host, 80] = partial(self._serve, upstream)
        return changed, served

    async def _serve(self, upstream: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        agent = h11.Connection(h11.SERVER)
        while True:
            request = await _event(agent, reader)
            if not isinstance(request, h11.Request):
                return
            body = await _body(agent, reader)
            if self.replays:
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
            answer = _failure(400, "not_recorded", MISSING)
        await _send(agent, writer, answer)

    async def _record(
        self,
        upstream: str,
        agent: h11.Connection,
        writer: asyncio.StreamWriter,
        request: h11.Request,
        body: bytes,
    ) -> None:
        host, _ = destination_of(upstream)
        method, target = _line(request)
        keep = partial(self.tape.add, method, target, body)
        async with AsyncExitStack() as stack:
            call = stack.enter_context(outbound_call(method, host))
            try:
                response, parts = await stack.enter_async_context(_asked(upstream, request, body))
            except (OSError, OutboundError) as error:
                call.outcome = "refused" if isinstance(error, OutboundError) else "unreachable"
                # The agent itself would name the address that only exists here.
                answer = _failure(502, call.outcome, _words(error, host))
                keep(answer)
                await _send(agent, writer, answer)
                return
            call.outcome = str(response.status_code)
            headers = [(name, value) for name, value in response.headers if name not in _HOP]
            received, is_broken_off = bytearray(), False
            try:
                head = h11.Response(status_code=response.status_code, headers=headers)
                await _pass_on(agent, writer, head, parts, received)
            except BrokenOffError:
                is_broken_off = True
                raise
            finally:
                # An agent that has its answer may be gone before the end, and this is cancelled with it.
                kept = tuple(pair for pair in _texts(headers) if pair[0] in _KEPT)
                text = received.decode(errors="replace")
                keep(ProviderAnswer(response.status_code, kept, text, is_broken_off))


@asynccontextmanager
async def _asked(
    upstream: str, request: h11.Request, body: bytes
) -> AsyncIterator[tuple[h11.Response, AsyncIterator[h11.Data]]]:
    """Ask a provider, and yield the head of its answer and the pieces of the body.

    Raises OutboundError for an address that is not allowed, and OSError.
    """
    host, port = destination_of(upstream)
    tls = tls_context() if urlsplit(upstream).scheme == "https" else None
    source, sink = await connect(host, port, tls=tls)
    with closing(sink):
        provider = h11.Connection(h11.CLIENT)
        sink.write(_request(provider, upstream, request, body))
        await sink.drain()
        response = await _event(provider, source)
        while isinstance(response, h11.InformationalResponse):
            response = await _event(provider, source)
        if not isinstance(response, h11.Response):
            raise ConnectionError(f"{host} did not answer in HTTP")
        yield response, _answer_parts(provider, source)


async def _pass_on(
    agent: h11.Connection,
    writer: asyncio.StreamWriter,
    head: h11.Response,
    parts: AsyncIterator[h11.Data],
    received: bytearray,
) -> None:
    """Pass an answer on as it comes; `received` gets as much of its body as can be kept."""
    writer.write(_bytes(agent, head))
    async for part in parts:
        if len(received) <= MOST_BYTES:
            received += part.data
        writer.write(_bytes(agent, h11.Data(data=bytes(part.data))))
        await writer.drain()
    writer.write(_bytes(agent, h11.EndOfMessage()))
    await writer.drain()


async def _send(agent: h11.Connection, writer: asyncio.StreamWriter, answer: ProviderAnswer) -> None:
    # Without its length it is sent in chunks, the last of which says that it is whole.
    writer.write(_bytes(agent, h11.Response(status_code=answer.status, headers=list(answer.headers))))
    writer.write(_bytes(agent, h11.Data(data=answer.body.encode())))
    if not answer.is_broken_off:
        writer.write(_bytes(agent, h11.EndOfMessage()))
    await writer.drain()


def _failure(status: int, kind: str, message: str) -> ProviderAnswer:
    """Return an answer in the place of a provider's."""
    text = json.dumps({"error": {"message": message, "type": kind}})
    return ProviderAnswer(status, (("content-type", "application/json"),), text)


def _words(error: OSError | OutboundError, host: str) -> str:
    return str(error) if isinstance(error, OutboundError) else reason(error, host, CONNECT_SECONDS)


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
    """Return an event as it is sent. Raises ConnectionError where the other side left no room for it."""
    try:
        return connection.send(event) or b""
    except h11.LocalProtocolError as error:
        raise ConnectionError(str(error)) from error


async def _event(connection: h11.Connection, reader: asyncio.StreamReader) -> object:
    """Return the next event of the other side. Raises ConnectionError for what is not HTTP."""
    try:
        while (event := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(await reader.read(_PIECE))
    except h11.RemoteProtocolError as error:
        raise ConnectionError(str(error)) from error
    return event


async def _body(agent: h11.Connection, reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    async for part in _parts(agent, reader):
        body += part.data
        # A hostile agent could fill the worker's memory.
        if len(body) > _LONGEST_REQUEST:
            raise ConnectionError("a request is too long")
    return bytes(body)


async def _answer_parts(provider: h11.Connection, source: asyncio.StreamReader) -> AsyncIterator[h11.Data]:
    """Yield the pieces of an answer, to its end. Raises BrokenOffError."""
    try:
        async for part in _parts(provider, source):
            yield part
    except OSError as error:
        raise BrokenOffError(str(error)) from error


async def _parts(connection: h11.Connection, reader: asyncio.StreamReader) -> AsyncIterator[h11.Data]:
    """Yield the pieces of a body, to its end."""
    while isinstance(event := await _event(connection, reader), h11.Data):
        yield event
    if not isinstance(event, h11.EndOfMessage):
        raise ConnectionError("a message ended early")
