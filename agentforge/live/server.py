"""Serve ASGI with daphne, at the pace at which each client reads."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from daphne.server import Server
from django.conf import settings
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from .hub import closing_hubs

logger = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 1.0


@implementer(IPushProducer)
class Gate:
    """Stand closed while a connection's buffer is full; Twisted opens and closes it."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()

    def pauseProducing(self) -> None:
        self._open.clear()

    def resumeProducing(self) -> None:
        self._open.set()

    def stopProducing(self) -> None:
        self._open.set()

    async def passed(self) -> bool:
        """Wait until it is open; False when it stays closed for too long."""
        if not self._open.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._open.wait(), settings.LIVE_STALL_SECONDS)
        return self._open.is_set()


class LiveServer(Server):
    """Make `await send()` wait for slow clients, where daphne would buffer without limit."""

    failure: BaseException | None = None

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> asyncio.Queue[Any]:
        # daphne lets a client's header set this.
        scope["root_path"] = self.root_path
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

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        for host, number in self.listening_addresses:
            print(f"Listening on {host}, port {number}", flush=True)

    def listen_error(self, failure: Failure) -> None:
        self.failure = failure.value
        self.stop()

    def kill_all_applications(self) -> Deferred[None]:
        """End every response before the process ends; daphne's own fails on half-sent requests."""
        return Deferred.fromFuture(asyncio.ensure_future(self._end()))

    async def _end(self) -> None:
        running = [entry.get("application_instance") for entry in self.connections.values()]
        pending = [task for task in running if task is not None and not task.done()]
        for task in pending:
            task.cancel()
        closing = [asyncio.ensure_future(hub) for hub in closing_hubs()]
        if pending or closing:
            await asyncio.wait([*pending, *closing], timeout=SHUTDOWN_SECONDS)

    def _cut_off(self, protocol: Any) -> None:
        channel = protocol.channel
        if channel is not None:
            # A live stream's client asks again and goes on from where it was.
            logger.info("Cut off a client that did not read for %g s", settings.LIVE_STALL_SECONDS)
            channel.transport.abortConnection()
