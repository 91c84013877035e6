"""End the streams of users who are signed out or disabled, at once, and of those whose token has ended.

The database announces who was signed out or disabled (the triggers are in a migration of accounts), and their
open streams are authenticated again, as at the start. After a gap in listening all streams are checked, so a
lost notification delays the end of a stream, but does not prevent it.

Shortly before the token that admitted a stream ends, the stream is authenticated again too: a browser's
tokens are refreshed then, so what the identity service has ended since is noticed. At its end a token that
was not renewed ends the stream.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Protocol

logger = logging.getLogger(__name__)

CHANNEL = "sign_outs"
# Checks at once, so that one which waits for the identity service holds nobody up.
MOST_CHECKS = 4
# Longer than an admission can take that began before an announcement.
MEMORY_SECONDS = 120.0


class Follower(Protocol):
    """An open stream of the user and session in `subjects`, admitted at `since`."""

    @property
    def subjects(self) -> tuple[str, ...]: ...

    @property
    def since(self) -> float: ...

    async def is_admitted(self) -> bool: ...

    def seconds_to_next_check(self) -> float | None: ...

    def leave(self) -> None: ...


class SignOuts:
    """Checks the followers of one event loop."""

    def __init__(self) -> None:
        self._followers: dict[str, set[Follower]] = {}
        self._announced: dict[str, float] = {}
        self._listening_since = float("inf")
        self._due: dict[Follower, None] = {}
        self._timers: dict[Follower, asyncio.TimerHandle] = {}
        self._workers: set[asyncio.Task[None]] = set()

    def watch(self, follower: Follower) -> None:
        """Watch a follower from its admission on; it leaves when it is no longer admitted."""
        for subject in follower.subjects:
            self._followers.setdefault(subject, set()).add(follower)
        announced = max(self._announced.get(subject, float("-inf")) for subject in follower.subjects)
        if announced >= follower.since or self._listening_since >= follower.since:
            self._check_soon([follower])
        self._check_later(follower)

    def unwatch(self, follower: Follower) -> None:
        self._due.pop(follower, None)
        if timer := self._timers.pop(follower, None):
            timer.cancel()
        for subject in follower.subjects:
            self._followers[subject].discard(follower)
            if not self._followers[subject]:
                del self._followers[subject]

    def on_listening(self) -> None:
        """Check everybody: announcements before this moment were missed."""
        self._listening_since = _now()
        self._check_soon(set().union(*self._followers.values()))

    def on_sign_out(self, subject: str) -> None:
        """Check the followers of an announced subject: the id of a user or a session."""
        now = _now()
        old = [name for name, at in self._announced.items() if at < now - MEMORY_SECONDS]
        for name in old:
            del self._announced[name]
        self._announced[subject] = now
        self._check_soon(self._followers.get(subject, ()))

    def end_all(self) -> None:
        """Let everybody leave: while nothing is heard of the database, nobody's sign-out is either."""
        for follower in set().union(*self._followers.values()):
            follower.leave()

    async def close(self) -> None:
        """Stop checking."""
        for timer in self._timers.values():
            timer.cancel()
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    def _check_later(self, follower: Follower) -> None:
        """Check a follower when its token ends, or shortly before."""
        if timer := self._timers.pop(follower, None):
            timer.cancel()
        seconds = follower.seconds_to_next_check()
        if seconds is not None:
            loop = asyncio.get_running_loop()
            self._timers[follower] = loop.call_later(seconds, self._check_soon, [follower])

    def _check_soon(self, followers: Iterable[Follower]) -> None:
        self._due.update(dict.fromkeys(followers))
        while len(self._workers) < min(MOST_CHECKS, len(self._due)):
            worker = asyncio.create_task(self._check_due())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def _check_due(self) -> None:
        while self._due:
            follower = next(iter(self._due))
            del self._due[follower]
            if not await self._is_admitted(follower):
                follower.leave()
            elif self._is_watched(follower):
                self._check_later(follower)

    def _is_watched(self, follower: Follower) -> bool:
        return any(follower in self._followers.get(subject, ()) for subject in follower.subjects)

    @staticmethod
    async def _is_admitted(follower: Follower) -> bool:
        try:
            return await follower.is_admitted()
        except Exception:
            # Its client reconnects, and is told what is wrong; the others must not wait.
            logger.exception("A live stream could not be authenticated again")
            return False


def _now() -> float:
    return asyncio.get_running_loop().time()
