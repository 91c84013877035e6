"""End the streams of who may not follow them any more, at once.

The database names whoever was signed out or disabled (a migration of accounts has the triggers), and who then
holds streams open here is identified again, as at the beginning. What was announced while nobody listened is
made up for by asking about everybody, so a lost notification delays an end, and does not forget it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

CHANNEL = "sign_outs"
# Longer than an admission takes, which began before an announcement and ends after it.
MEMORY_SECONDS = 120.0


class Follower(Protocol):
    """Hold a stream open for the person and the session that `subjects` names, admitted at `since`."""

    @property
    def subjects(self) -> tuple[str, ...]: ...

    @property
    def since(self) -> float: ...

    async def is_admitted(self) -> bool: ...

    def leave(self) -> None: ...


class SignOuts:
    """Serve the followers of one event loop."""

    def __init__(self) -> None:
        self._followers: dict[str, set[Follower]] = {}
        self._announced: dict[str, float] = {}
        self._listening_since = float("inf")
        self._due: dict[Follower, None] = {}
        self._worker: asyncio.Task[None] | None = None

    def watch(self, follower: Follower) -> None:
        """Let a follower leave when it is not welcome any more, from its admission on."""
        for subject in follower.subjects:
            self._followers.setdefault(subject, set()).add(follower)
        on_sign_out = max(self._announced.get(subject, float("-inf")) for subject in follower.subjects)
        if on_sign_out >= follower.since or self._listening_since >= follower.since:
            self._check_soon([follower])

    def unwatch(self, follower: Follower) -> None:
        """Forget a follower."""
        self._due.pop(follower, None)
        for subject in follower.subjects:
            self._followers[subject].discard(follower)
            if not self._followers[subject]:
                del self._followers[subject]

    def on_listening(self) -> None:
        """Ask about everybody: announcements before this moment went unheard."""
        self._listening_since = _now()
        self._check_soon(set().union(*self._followers.values()))

    def on_sign_out(self, subject: str) -> None:
        """Ask about who was announced: the id of a person or a session."""
        now = _now()
        old = [name for name, at in self._announced.items() if at < now - MEMORY_SECONDS]
        for name in old:
            del self._announced[name]
        self._announced[subject] = now
        self._check_soon(self._followers.get(subject, ()))

    async def close(self) -> None:
        """Stop asking."""
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
