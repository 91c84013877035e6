"""Serve ASGI with daphne, no faster than each client reads."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from functools import partial
from typing import Any

# daphne imports autobahn for WebSockets, which are not served here, and autobahn a C parser to unmask them.
os.environ.setdefault("AUTOBAHN_USE_NVX", "0")

from daphne.http_protocol import HTTPFactory
from daphne.server import Server
from django.conf import settings
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from .connection_table import ConnectionTable
from .gate import Framing, Gate
from .http_channel import BoundedChannel
from .hub import close_hubs
from .mailbox import Mailbox
from .viewer import PUSH

logger = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 1.0


class LiveServer(Server):
    """Makes `await send()` wait for slow clients, where daphne would buffer without limit."""

    failure: BaseException | None = None

    def __init__(self, *, most_connections: int = 0, **options: Any) -> None:
        super().__init__(**options)
        # Behind a proxy all connections have its address, and it is the one to bound them.
        per_address = 0 if settings.TRUSTED_PROXIES else settings.MOST_CONNECTIONS_PER_ADDRESS
        self._table = ConnectionTable(most=most_connections, most_per_address=per_address)
        self._framing = Framing()

    @property
    def http_factory(self) -> HTTPFactory:
        """The factory that daphne's `run` makes and listens with."""
        return self._http_factory

    @http_factory.setter
    def http_factory(self, factory: HTTPFactory) -> None:
        factory.protocol = partial(BoundedChannel, self._table)
        self._http_factory = factory

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Mailbox:
        """Start to answer a request; return where its messages go. In place of daphne's own method."""
        gate, messages = Gate(self._framing), Mailbox()
        # daphne would take this from a client's header.
        scope["root_path"] = self.root_path
        scope["asgi"] = {"version": "3.0"}
        scope["extensions"] = {PUSH: gate.push}
        answer = self.application(
            scope=scope, receive=messages.get, send=partial(self.handle_reply, protocol)
        )
        self.connections[protocol] |= {"gate": gate, "application_instance": asyncio.ensure_future(answer)}
        return messages

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        details = self.connections.get(protocol)
        if details is None or details.get("disconnected"):
            return
        gate: Gate = details["gate"]
        if message["type"] == "http.response.start":
            await super().handle_reply(protocol, message)
            if protocol.channel is not None:
                gate.begin(protocol)
            return
        ends = message["type"] == "http.response.body" and not message.get("more_body")
        if ends:
            gate.end(protocol)
        await super().handle_reply(protocol, message)
        if not ends and not await gate.passed():
            self._cut_off(protocol)

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        for host, number in self.listening_addresses:
            # One write: other web processes say it at the same moment.
            sys.stdout.write(f"Listening on {host}, port {number}\n")
            sys.stdout.flush()

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
