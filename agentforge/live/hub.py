"""Wake a process's viewers when their streams have news, over one LISTEN connection.

Who owns a stream's position: `admission` reads it from the request (Last-Event-ID) and checks it against the
log, sharing the queries of simultaneous requests through `single_flight`. From then on the `viewer` alone
owns it and advances it as it sends. The hub knows how far its tails reach, never how far a viewer is: it only
wakes watchers, and each takes what follows its own position from the tail or the log. So a lost notification
or a slow viewer can delay records, but neither lose nor repeat them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import psycopg
from django.conf import settings

from agentforge.accounts.sessions.authentication import Principal
from agentforge.retry import Backoff
from agentforge.telemetry.process_metrics import metrics
from agentforge.whole_numbers import whole_number

from . import log
from .connections import connect_async
from .reader import DATABASE_AWAY, LogReader
from .sign_outs import CHANNEL, SignOuts
from .single_flight import SingleFlight
from .stream_limits import StreamLimits
from .tails import SEND_BYTES, TAIL_BYTES, Frame, Tail

logger = logging.getLogger(__name__)

# How often a quiet connection is tried, and how long an answer may take.
CHECK_SECONDS = 5.0
# After so long without an answer, viewers leave: the end of a stream says that it is cut.
AWAY_SECONDS = 8.0
FIRST_DELAY, LONGEST_DELAY = 0.1, 3.0


class Watcher(Protocol):
    """Reads its streams when woken; `beat` is called regularly, for keep-alives."""

    names: tuple[str, ...]

    def wake(self, tail: Tail) -> None: ...

    def beat(self) -> None: ...


class Hub:
    """Serves the watchers of one event loop, that is, of one process."""

    def __init__(self) -> None:
        self.reader = LogReader()
        self.sign_outs = SignOuts()
        self.limits = StreamLimits()
        self.principals: SingleFlight[Principal | None] = SingleFlight()
        self.lookups: SingleFlight[Sequence[Sequence[Any]]] = SingleFlight()
        self._tails: dict[str, Tail] = {}
        self._watchers: dict[str, set[Watcher]] = {}
        self._stale: set[str] = set()
        self._refreshing: dict[str, asyncio.Task[None]] = {}
        self._services: list[asyncio.Task[None]] = []
        # When the database last answered, on the loop's clock.
        self._heard_at = 0.0

    def watch(self, watcher: Watcher) -> None:
        """Wake a watcher from now on whenever one of its streams may have news."""
        if not self._services:
            self._services = [asyncio.create_task(self._listen()), asyncio.create_task(self._beat())]
        metrics().live_viewers.inc()
        for name in watcher.names:
            self._watchers.setdefault(name, set()).add(watcher)
            if name not in self._tails:
                self._tails[name] = Tail(name)
                self._refresh_soon(name)

    def unwatch(self, watcher: Watcher) -> None:
        """Remove a watcher, and the tails that no other one watches."""
        metrics().live_viewers.dec()
        for name in watcher.names:
            self._watchers[name].discard(watcher)
            if not self._watchers[name]:
                del self._watchers[name], self._tails[name]

    def tail(self, name: str) -> Tail:
        return self._tails[name]

    async def read(self, name: str, after: int) -> list[Frame]:
        """Return the next frames after a position from the log; raises one of DATABASE_AWAY."""
        try:
            page = await self.reader.page(log.SHOWN_AFTER, name, after, SEND_BYTES)
        except log.StreamMissing:
            self._mark_deleted(name)
            return []
        return [Frame.of(name, chunk, after) for chunk in page.chunks]

    async def close(self) -> None:
        """Stop listening and close the connections."""
        tasks = [*self._services, *self._refreshing.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.sign_outs.close()
        await self.reader.close()

    async def _listen(self) -> None:
        backoff = Backoff(FIRST_DELAY, LONGEST_DELAY)
        self._on_answer()
        while True:
            try:
                async with await self._connect() as connection:
                    backoff.reset()
                    self._on_answer()
                    self.sign_outs.on_listening()
                    # Notifications sent before this moment were missed.
                    for name in self._tails:
                        self._refresh_soon(name)
                    await self._follow(connection)
            except DATABASE_AWAY as error:
                logger.warning("Live streams are waiting for the database: %s", error or "no answer")
                if asyncio.get_running_loop().time() - self._heard_at > AWAY_SECONDS:
                    self.sign_outs.end_all()
            await asyncio.sleep(backoff.next())

    def _on_answer(self) -> None:
        self._heard_at = asyncio.get_running_loop().time()

    async def _connect(self) -> psycopg.AsyncConnection:
        async with asyncio.timeout(CHECK_SECONDS), AsyncExitStack() as failed:
            connection = await connect_async()
            failed.push_async_callback(connection.close)
            await connection.execute(f"LISTEN {log.NOTIFY_CHANNEL}".encode())
            await connection.execute(f"LISTEN {CHANNEL}".encode())
            failed.pop_all()
            return connection

    async def _follow(self, connection: psycopg.AsyncConnection) -> None:
        while True:
            async for notification in connection.notifies(timeout=CHECK_SECONDS):
                if notification.channel == CHANNEL:
                    self.sign_outs.on_sign_out(notification.payload)
                    continue
                name, _, last_seq = notification.payload.rpartition(":")
                tail = self._tails.get(name)
                # Any role of the database may notify, with any payload.
                if tail is not None and not 0 < (whole_number(last_seq) or 0) <= tail.last_seq:
                    self._refresh_soon(name)
            # Detects a connection that died silently.
            async with asyncio.timeout(CHECK_SECONDS):
                await connection.execute("SELECT 1")
            self._on_answer()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(settings.LIVE_KEEP_ALIVE_SECONDS)
            for watcher in set().union(*self._watchers.values()):
                watcher.beat()
            await self.reader.shrink()

    def _refresh_soon(self, name: str) -> None:
        self._stale.add(name)
        if name not in self._refreshing:
            self._refreshing[name] = asyncio.create_task(self._refresh(name))

    async def _refresh(self, name: str) -> None:
        """Read a tail's stream to its end, and again while it is marked stale."""
        backoff = Backoff(FIRST_DELAY, LONGEST_DELAY)
        while name in self._stale and (tail := self._tails.get(name)):
            self._stale.discard(name)
            try:
                await self._extend(tail)
            except DATABASE_AWAY:
                self._stale.add(name)
                await asyncio.sleep(backoff.next())
        # In the same step as the last check of `_stale`, so that nobody relies on a finished task.
        self._stale.discard(name)
        del self._refreshing[name]

    async def _extend(self, tail: Tail) -> None:
        statement = log.SHOWN_AFTER if tail.is_loaded else log.SHOWN_NEWEST
        try:
            page = await self.reader.page(statement, tail.name, tail.last_seq, TAIL_BYTES)
        except log.StreamMissing:
            self._mark_deleted(tail.name)
            return
        written = page.written_at() if tail.is_loaded else None
        tail.extend(page)
        if tail.last_seq < page.last_seq:
            self._stale.add(tail.name)
        self._wake(tail.name)
        if written is not None:
            metrics().live_delivery.observe(max(0.0, time.time() - written))

    def _mark_deleted(self, name: str) -> None:
        if tail := self._tails.get(name):
            tail.is_deleted = True
        self._wake(name)

    def _wake(self, name: str) -> None:
        if tail := self._tails.get(name):
            for watcher in self._watchers[name]:
                watcher.wake(tail)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current_hub() -> Hub:
    """Return the running event loop's hub, created on first use."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


def close_hubs() -> list[Coroutine[Any, Any, None]]:
    """Return coroutines that close the hubs of this process."""
    return [hub.close() for hub in _hubs.values()]
