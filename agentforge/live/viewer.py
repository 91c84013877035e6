"""Follow streams for one connection: first what it has missed, in order, then new records."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from django_eventstream.utils import make_id

from .admission import Ticket
from .hub import Hub
from .reader import DATABASE_AWAY
from .tails import SEND_BYTES, Frame, Tail, within

KEEP_ALIVE = b": keep-alive\n\n"
# A connection ends after this long; clients reconnect, and sign-in is checked again.
MAX_SECONDS = 15 * 60.0
AWAY_PAUSE = 1.0
# The server's ASGI extension for pushing.
PUSH = "agentforge.push"

Push = Callable[[bytes], bool]


class Viewer:
    """One connection: its positions in its streams, and the ticket that admitted it.

    `push` sends without awaiting, or returns False if it can't. With it a waiting viewer is served in the
    step in which its streams have news, without scheduling its task.
    """

    __slots__ = (
        "_ends_at",
        "_hub",
        "_is_awake",
        "_is_quiet",
        "_positions",
        "_push",
        "_sleep",
        "_ticket",
        "names",
        "since",
        "subjects",
    )

    def __init__(
        self, hub: Hub, positions: Mapping[str, int], ticket: Ticket, push: Push | None = None
    ) -> None:
        self.subjects, self.since = ticket.subjects, ticket.since
        self._ticket = ticket
        self.names = tuple(positions)
        self._positions = dict(positions)
        self._hub = hub
        # Only a viewer of one stream shares its events with others.
        self._push = push if len(self.names) == 1 else None
        self._is_awake = False
        self._sleep: asyncio.Future[None] | None = None
        self._is_quiet = False
        self._ends_at = asyncio.get_running_loop().time() + MAX_SECONDS

    async def is_admitted(self) -> bool:
        """Return whether the request would still be admitted."""
        return await self._ticket.is_valid()

    def seconds_to_next_check(self) -> float | None:
        """Return when to ask again because of the token's end; None if the connection ends before."""
        seconds = self._ticket.seconds_to_next_check()
        return seconds if seconds < MAX_SECONDS else None

    def leave(self) -> None:
        """End the connection: its user was signed out, or their token has ended."""
        self._ends_at = 0.0
        self._wake_task()

    def wake(self, tail: Tail) -> None:
        push = self._push
        if self._sleep is None or push is None or not self._push_news(tail, push):
            self._wake_task()

    def beat(self) -> None:
        self._is_quiet = True
        self._wake_task()

    async def run(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Send records as fast as the client reads, until every stream has ended."""
        self._hub.watch(self)
        self._hub.sign_outs.watch(self)
        try:
            while not self._is_done():
                self._is_awake = False
                news = await self._news()
                if news:
                    await send(news)
                elif self._is_quiet:
                    self._is_quiet = False
                    await send(KEEP_ALIVE)
                elif not self._is_done() and not self._is_awake:
                    await self._rest()
        finally:
            self._hub.sign_outs.unwatch(self)
            self._hub.unwatch(self)

    def _wake_task(self) -> None:
        self._is_awake = True
        sleep, self._sleep = self._sleep, None
        if sleep is not None and not sleep.done():
            sleep.set_result(None)

    async def _rest(self) -> None:
        self._sleep = asyncio.get_running_loop().create_future()
        try:
            await self._sleep
        finally:
            self._sleep = None

    def _push_news(self, tail: Tail, push: Push) -> bool:
        """Push the next records of the only stream; return False if the task has to run."""
        following = tail.next_after(self._positions[tail.name])
        if following is None or not following[1] or not push(following[1]):
            return False
        self._positions[tail.name] = following[0]
        self._is_quiet = False
        # When its time is over, the next beat notices.
        return following[0] >= tail.last_seq and not (tail.is_closed or tail.is_deleted)

    def _next_of_one(self) -> tuple[int, bytes] | None:
        """Return what follows in the only stream, in the form that viewers at its position share."""
        if len(self.names) > 1:
            return None
        following = self._hub.tail(self.names[0]).next_after(self._positions[self.names[0]])
        return following if following and following[1] else None

    async def _news(self) -> bytes:
        if following := self._next_of_one():
            self._positions[self.names[0]], news = following
            self._is_quiet = False
            return news
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
            asyncio.get_running_loop().call_later(AWAY_PAUSE, self._wake_task)
            return []

    def _is_done(self) -> bool:
        if asyncio.get_running_loop().time() > self._ends_at:
            return True
        return all(self._hub.tail(name).has_ended(self._positions[name]) for name in self.names)
