"""Tell a process's viewers that their streams have news: one LISTEN connection for all of them.

A watcher is only ever told to look, never handed data: it takes what is behind its own position from the
tail, or from the log. So a lost notification or a slow viewer can delay records, but not lose or repeat them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import psycopg
from django.conf import settings

from agentforge.accounts.authentication import Principal

from . import log
from .connections import parameters
from .reader import DATABASE_AWAY, LogReader
from .sign_outs import CHANNEL, SignOuts
from .single_flight import SingleFlight
from .tails import SEND_BYTES, TAIL_BYTES, Frame, Tail

logger = logging.getLogger(__name__)

CHECK_SECONDS = 20.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 3.0


class Watcher(Protocol):
    """Look at streams when woken; `beat` comes regularly, for keep-alives."""

    names: tuple[str, ...]

    def wake(self) -> None: ...

    def beat(self) -> None: ...


class Hub:
    """Serve the watchers of one event loop, which is one process's."""

    def __init__(self) -> None:
        self.reader = LogReader()
        self.sign_outs = SignOuts()
        self.principals: SingleFlight[Principal | None] = SingleFlight()
        self.lookups: SingleFlight[Sequence[Sequence[Any]]] = SingleFlight()
        self._tails: dict[str, Tail] = {}
        self._watchers: dict[str, set[Watcher]] = {}
        self._stale: set[str] = set()
        self._refreshing: dict[str, asyncio.Task[None]] = {}
        self._services: list[asyncio.Task[None]] = []

    def watch(self, watcher: Watcher) -> None:
        """Wake a watcher whenever one of its streams may have news, from now on."""
        if not self._services:
            self._services = [asyncio.create_task(self._listen()), asyncio.create_task(self._beat())]
        for name in watcher.names:
            self._watchers.setdefault(name, set()).add(watcher)
            if name not in self._tails:
                self._tails[name] = Tail(name)
                self._refresh_soon(name)

    def unwatch(self, watcher: Watcher) -> None:
        """Forget a watcher, and the tails that nobody else watches."""
        for name in watcher.names:
            self._watchers[name].discard(watcher)
            if not self._watchers[name]:
                del self._watchers[name], self._tails[name]

    def tail(self, name: str) -> Tail:
        """Return the tail of a watched stream."""
        return self._tails[name]

    async def read(self, name: str, after: int) -> list[Frame]:
        """Return the next frames behind a position from the log; raises one of DATABASE_AWAY."""
        try:
            page = await self.reader.page(log.PAGE_AFTER, name, after, SEND_BYTES)
        except log.StreamMissing:
            self._mark_deleted(name)
            return []
        return [Frame.of(name, chunk, after) for chunk in page.chunks]

    async def close(self) -> None:
        """Stop listening and let the connections go."""
        tasks = [*self._services, *self._refreshing.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.sign_outs.close()
        await self.reader.close()

    async def _listen(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(**parameters()) as connection:
                    await connection.execute(f"LISTEN {log.NOTIFY_CHANNEL}".encode())
                    await connection.execute(f"LISTEN {CHANNEL}".encode())
                    pause = FIRST_PAUSE
                    self.sign_outs.on_listening()
                    # Notifications before this moment went unheard.
                    for name in self._tails:
                        self._refresh_soon(name)
                    await self._follow(connection)
            except DATABASE_AWAY as error:
                logger.warning("Live streams wait for the database: %s", error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _follow(self, connection: psycopg.AsyncConnection) -> None:
        while True:
            async for notification in connection.notifies(timeout=CHECK_SECONDS):
                if notification.channel == CHANNEL:
                    self.sign_outs.on_sign_out(notification.payload)
                    continue
                name, _, last_seq = notification.payload.rpartition(":")
                tail = self._tails.get(name)
                if tail is not None and not 0 < int(last_seq) <= tail.last_seq:
                    self._refresh_soon(name)
            # A connection that died without a word is found out here.
            async with asyncio.timeout(CHECK_SECONDS):
                await connection.execute("SELECT 1")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(settings.LIVE_KEEP_ALIVE_SECONDS)
            for watcher in set().union(*self._watchers.values()):
                watcher.beat()

    def _refresh_soon(self, name: str) -> None:
        self._stale.add(name)
        if name not in self._refreshing:
            self._refreshing[name] = asyncio.create_task(self._refresh(name))

    async def _refresh(self, name: str) -> None:
        """Read a tail's stream up to its end, as often as it was called stale meanwhile."""
        pause = FIRST_PAUSE
        while name in self._stale and (tail := self._tails.get(name)):
            self._stale.discard(name)
            try:
                await self._extend(tail)
            except DATABASE_AWAY:
                self._stale.add(name)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        # In the same step as the last look at what is stale, so that nobody relies on a task that is over.
        self._stale.discard(name)
        del self._refreshing[name]

    async def _extend(self, tail: Tail) -> None:
        statement = log.PAGE_AFTER if tail.is_loaded else log.PAGE_NEWEST
        try:
            page = await self.reader.page(statement, tail.name, tail.last_seq, TAIL_BYTES)
        except log.StreamMissing:
            self._mark_deleted(tail.name)
            return
        tail.extend(page)
        if tail.last_seq < page.last_seq:
            self._stale.add(tail.name)
        self._wake(tail.name)

    def _mark_deleted(self, name: str) -> None:
        if tail := self._tails.get(name):
            tail.is_deleted = True
        self._wake(name)

    def _wake(self, name: str) -> None:
        for watcher in self._watchers.get(name, ()):
            watcher.wake()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current_hub() -> Hub:
    """Return the hub of the running event loop, made on first use."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


def close_hubs() -> list[Coroutine[Any, Any, None]]:
    """Return what closes the hubs of this process, for its end."""
    return [hub.close() for hub in _hubs.values()]
