"""Follow streams for one connection: what is behind its positions, in order, and then what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from django_eventstream.utils import make_id

from .admission import Ticket
from .hub import SEND_BYTES, Hub
from .reader import DATABASE_AWAY
from .tails import Frame, within

KEEP_ALIVE = b": keep-alive\n\n"
# After this long a connection ends, to be opened again by whoever is still allowed to.
LONGEST_SECONDS = 15 * 60.0
AWAY_PAUSE = 1.0


class Viewer:
    """Hold the positions of one connection in its streams, and the ticket that admitted it."""

    def __init__(self, hub: Hub, positions: Mapping[str, int], ticket: Ticket) -> None:
        self.subjects, self.since = ticket.subjects, ticket.since
        self.is_welcome = ticket.is_good
        self.names = tuple(positions)
        self._positions = dict(positions)
        self._hub = hub
        self._awake = asyncio.Event()
        self._is_quiet = False
        self._ends_at = asyncio.get_running_loop().time() + LONGEST_SECONDS

    def leave(self) -> None:
        """End the connection: whoever holds it is signed out."""
        self._ends_at = 0.0
        self.wake()

    def wake(self) -> None:
        self._awake.set()

    def beat(self) -> None:
        self._is_quiet = True
        self._awake.set()

    async def run(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Send what there is, as fast as it is taken, until every stream has ended."""
        self._hub.watch(self)
        self._hub.sign_outs.watch(self)
        try:
            while not self._is_done():
                self._awake.clear()
                news = await self._news()
                if news:
                    await send(news)
                elif self._is_quiet:
                    self._is_quiet = False
                    await send(KEEP_ALIVE)
                elif not self._is_done():
                    await self._awake.wait()
        finally:
            self._hub.sign_outs.unwatch(self)
            self._hub.unwatch(self)

    async def _news(self) -> bytes:
        parts: list[bytes] = []
        for name in self.names:
            for frame in within(await self._frames(name), SEND_BYTES):
                self._positions[name] = frame.last
                parts += (b"id: ", make_id(self._positions).encode(), b"\n", frame.body)
        if parts:
            self._is_quiet = False
        return b"".join(parts)

    async def _frames(self, name: str) -> list[Frame]:
        position = self._positions[name]
        frames = self._hub.tail(name).after(position)
        if frames is not None:
            return frames
        try:
            return await self._hub.read(name, position)
        except DATABASE_AWAY:
            asyncio.get_running_loop().call_later(AWAY_PAUSE, self.wake)
            return []

    def _is_done(self) -> bool:
        if asyncio.get_running_loop().time() > self._ends_at:
            return True
        return all(self._hub.tail(name).has_ended(self._positions[name]) for name in self.names)
