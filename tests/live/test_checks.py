from __future__ import annotations

import asyncio

import pytest

from agentforge.accounts.errors import IdentityError
from agentforge.live.sign_outs import MOST_CHECKS, SignOuts


class Stream:
    """An open stream whose next authentication does what `outcome` says."""

    since = 0.0

    def __init__(self, name: str, outcome: bool | Exception | asyncio.Event) -> None:
        self.subjects = (name,)
        self.left = asyncio.Event()
        self._outcome = outcome

    async def is_admitted(self) -> bool:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        if isinstance(self._outcome, asyncio.Event):
            await self._outcome.wait()
        return bool(self._outcome is True)

    def seconds_to_next_check(self) -> float | None:
        return None

    def leave(self) -> None:
        self.left.set()


async def test_a_check_that_fails_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    checks = SignOuts()
    streams = [Stream(f"{number}", IdentityError("refused")) for number in range(MOST_CHECKS + 1)]
    streams.append(Stream("last", False))
    for stream in streams:
        checks.watch(stream)
    checks.on_listening()
    async with asyncio.timeout(10):
        for stream in streams:
            await stream.left.wait()
    assert "could not be authenticated again" in caplog.text
    await checks.close()


async def test_a_check_that_waits_holds_no_other_up() -> None:
    checks = SignOuts()
    answer = asyncio.Event()
    waiting = [Stream(f"{number}", answer) for number in range(MOST_CHECKS - 1)]
    for stream in [*waiting, last := Stream("last", False)]:
        checks.watch(stream)
    checks.on_listening()
    async with asyncio.timeout(10):
        await last.left.wait()
    assert not any(stream.left.is_set() for stream in waiting)
    answer.set()
    await checks.close()
