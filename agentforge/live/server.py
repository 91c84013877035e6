"""Serve ASGI with daphne, no faster than each client reads."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from functools import partial
from typing import Any

# daphne imports autobahn for WebSockets, which are not served here, and autobahn a C parser to unmask them.
os.environ.setdefault("AUTOBAHN_USE_NVX", "0")

from daphne.http_protocol import HTTPFactory
from daphne.server import Server
from django.conf import settings
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from zope.interface import implementer

from .connection_table import ConnectionTable
from .http_channel import BoundedChannel
from .hub import close_hubs
from .viewer import PUSH

logger = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 1.0


@implementer(IPushProducer)
class Gate:
    """Backpressure: closed while a connection's buffer is full; Twisted opens and closes it."""

    def __init__(self) -> None:
        self.is_open = True
        # Created on demand: it is larger than the rest of a gate, and most gates never close.
        self._opened: asyncio.Event | None = None

    def pauseProducing(self) -> None:
        self.is_open = False

    def resumeProducing(self) -> None:
        self.is_open = True
        if self._opened is not None:
            self._opened.set()
            self._opened = None

    def stopProducing(self) -> None:
        self.resumeProducing()

    async def passed(self) -> bool:
        """Wait until it is open; return False if it stays closed for LIVE_STALL_SECONDS."""
        if not self.is_open:
            opened = self._opened = self._opened or asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(opened.wait(), settings.LIVE_STALL_SECONDS)
        return self.is_open


class LiveServer(Server):
    """Makes `await send()` wait for slow clients, where daphne would buffer without limit."""

    failure: BaseException | None = None

    def __init__(self, *, most_connections: int = 0, **options: Any) -> None:
        super().__init__(**options)
        # Behind a proxy all connections have its address, and it is the one to bound them.
        per_address = 0 if settings.TRUSTED_PROXIES else settings.MOST_CONNECTIONS_PER_ADDRESS
        self._table = ConnectionTable(most=most_connections, most_per_address=per_address)

    @property
    def http_factory(self) -> HTTPFactory:
        """The factory that daphne's `run` makes and listens with."""
        return self._http_factory

    @http_factory.setter
    def http_factory(self, factory: HTTPFactory) -> None:
        factory.protocol = partial(BoundedChannel, self._table)
        self._http_factory = factory

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> asyncio.Queue[Any]:
        # daphne would take this from a client's header.
        scope["root_path"] = self.root_path
        scope["extensions"] = {PUSH: partial(self.push, protocol)}
        queue: asyncio.Queue[Any] = super().create_application(protocol, scope)
        return queue

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        details = self.connections.get(protocol)
        if details is None or details.get("disconnected"):
            return
        ends = message["type"] == "http.response.body" and not message.get("more_body")
        if ends and details.pop("gate", None):
            protocol.unregisterProducer()
        await super().handle_reply(protocol, message)
        if message["type"] == "http.response.start" and protocol.channel is not None:
            gate = details["gate"] = Gate()
            protocol.registerProducer(gate, True)
        elif (gate := details.get("gate")) and not await gate.passed():
            self._cut_off(protocol)

    def push(self, protocol: Any, body: bytes) -> bool:
        """Send a part of a started response at once; return False if it has to be sent by awaiting `send`.

        A socket with room takes it directly, without a turn of the event loop and two changes to epoll per
        part. With thousands of viewers those are most of the work.
        """
        details = self.connections.get(protocol, {})
        gate, channel = details.get("gate"), protocol.channel
        if gate is None or not gate.is_open or channel is None or details.get("disconnected"):
            return False
        transport = channel.transport
        if not isinstance(transport, Connection) or transport.dataBuffer or transport._tempDataBuffer:
            return False
        part = b"%x\r\n%b\r\n" % (len(body), body) if protocol.chunked else body
        sent = transport.writeSomeData(part)
        if not isinstance(sent, int):
            return False
        if sent < len(part):
            channel.write(part[sent:])
        return True

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        for host, number in self.listening_addresses:
            print(f"Listening on {host}, port {number}", flush=True)

    def listen_error(self, failure: Failure) -> None:
        self.failure = failure.value
        self.stop()

    def kill_all_applications(self) -> Deferred[None]:
        """End every response before the process exits; daphne's own method fails on half-sent requests."""
        return Deferred.fromFuture(asyncio.ensure_future(self._end()))

    async def _end(self) -> None:
        running = [entry.get("application_instance") for entry in self.connections.values()]
        pending = [task for task in running if task is not None and not task.done()]
        for task in pending:
            task.cancel()
        closing = [asyncio.ensure_future(hub) for hub in close_hubs()]
        if pending or closing:
            await asyncio.wait([*pending, *closing], timeout=SHUTDOWN_SECONDS)

    def _cut_off(self, protocol: Any) -> None:
        channel = protocol.channel
        if channel is not None:
            # A live stream's client reconnects and resumes at its position.
            logger.info("Cut off a client that did not read for %g s", settings.LIVE_STALL_SECONDS)
            channel.transport.abortConnection()
