from __future__ import annotations

import pytest
from django.db import InterfaceError, OperationalError

from agentforge.retry import Backoff, aretry_while_database_away, retry_while_database_away, retrying


class _Flaky:
    """Raise each error in turn, then return "answer"."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "answer"

    async def acall(self) -> str:
        return self()


def test_a_backoff_grows_to_its_limit_and_starts_over() -> None:
    backoff = Backoff(0.5, 3.0)
    assert [backoff.next() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    backoff.reset()
    assert backoff.next() == 0.5


def test_a_policy_waits_longer_each_time_and_raises_the_last_error_as_it_is() -> None:
    delays: list[float] = []
    policy = retrying(ConnectionError, first=0.5, longest=1.5, attempts=4, sleep=delays.append)
    call = _Flaky(*[ConnectionError(str(number)) for number in range(4)])
    with pytest.raises(ConnectionError, match="3"):
        policy(call)
    assert delays == [0.5, 1.0, 1.5]


def test_a_policy_leaves_other_errors_alone() -> None:
    delays: list[float] = []
    policy = retrying(lambda error: "again" in str(error), first=1, longest=1, sleep=delays.append)
    with pytest.raises(ValueError, match="lasting"):
        policy(_Flaky(ValueError("again"), ValueError("lasting")))
    assert delays == [1.0]


def test_what_needs_the_database_is_called_until_it_answers() -> None:
    assert retry_while_database_away(_Flaky(OperationalError("gone"), InterfaceError("closed"))) == "answer"


async def test_what_awaits_the_database_is_called_until_it_answers() -> None:
    flaky = _Flaky(OperationalError("gone"))
    assert await aretry_while_database_away(lambda: flaky.acall()) == "answer"
