"""End the streams of users who are signed out or disabled, at once.

The database announces who was signed out or disabled (the triggers are in a migration of accounts), and their
open streams are authenticated again, as at the start. After a gap in listening all streams are checked, so a
lost notification delays the end of a stream, but does not prevent it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

CHANNEL = "sign_outs"
# Longer than an admission can take that began before an announcement.
MEMORY_SECONDS = 120.0


class Follower(Protocol):
    """An open stream of the user and session in `subjects`, admitted at `since`."""

    @property
    def subjects(self) -> tuple[str, ...]: ...

    @property
    def since(self) -> float: ...

    async def is_admitted(self) -> bool: ...

    def leave(self) -> None: ...


class SignOuts:
    """Checks the followers of one event loop."""

    def __init__(self) -> None:
        self._followers: dict[str, set[Follower]] = {}
        self._announced: dict[str, float] = {}
        self._listening_since = float("inf")
        self._due: dict[Follower, None] = {}
        self._worker: asyncio.Task[None] | None = None

    def watch(self, follower: Follower) -> None:
        """Watch a follower from its admission on; it leaves when it is no longer admitted."""
        for subject in follower.subjects:
            self._followers.setdefault(subject, set()).add(follower)
        announced = max(self._announced.get(subject, float("-inf")) for subject in follower.subjects)
        if announced >= follower.since or self._listening_since >= follower.since:
            self._check_soon([follower])

    def unwatch(self, follower: Follower) -> None:
        self._due.pop(follower, None)
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

    async def close(self) -> None:
        """Stop checking."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

    def _check_soon(self, followers: Iterable[Follower]) -> None:
        self._due.update(dict.fromkeys(followers))
        if self._due and (self._worker is None or self._worker.done()):
            self._worker = asyncio.create_task(self._check_due())

    async def _check_due(self) -> None:
        while self._due:
            follower = next(iter(self._due))
            del self._due[follower]
            if not await follower.is_admitted():
                follower.leave()


def _now() -> float:
    return asyncio.get_running_loop().time()
