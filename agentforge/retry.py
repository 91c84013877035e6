"""The one place for retries: policies over tenacity, and delays for loops that reconnect or poll.

Retry only what may happen twice: the response to a request that was carried out can be lost.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

import psycopg
from django.db import InterfaceError, OperationalError
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    stop_never,
    wait_exponential,
)

from .tenancy.connections import give_back

logger = logging.getLogger(__name__)

# What a query raises while the database is unavailable.
DATABASE_AWAY = (OperationalError, InterfaceError, psycopg.OperationalError)
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 2.0

P = ParamSpec("P")
R = TypeVar("R")
Errors = type[BaseException] | tuple[type[BaseException], ...]


class Backoff:
    """Delays in seconds that grow from `first` to `longest`; `reset` starts over after a success."""

    def __init__(self, first: float, longest: float, *, factor: float = 2.0) -> None:
        self._first, self._longest, self._factor = first, longest, factor
        self._delay = first

    def next(self) -> float:
        delay = min(self._delay, self._longest)
        self._delay = min(delay * self._factor, self._longest)
        return delay

    def reset(self) -> None:
        self._delay = self._first


def retrying(
    retry_on: Errors | Callable[[BaseException], bool],
    *,
    first: float,
    longest: float,
    attempts: int | None = None,
    sleep: Callable[[float], None] = time.sleep,
    before_sleep: Callable[[RetryCallState], None] | None = None,
    asked: Callable[[BaseException], float] | None = None,
) -> Retrying:
    """Return a retry policy with exponential backoff; the last error is raised as it is.

    `retry_on` is the errors to retry or a predicate; without `attempts` it retries forever. `asked` returns
    the least delay in seconds after an error, as a server asked for (Retry-After).
    """
    backoff = wait_exponential(multiplier=first, max=longest)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return max(backoff(state), asked(error) if asked and error else 0.0)

    return Retrying(
        retry=(
            retry_if_exception_type(retry_on)
            if isinstance(retry_on, (type, tuple))
            else retry_if_exception(retry_on)
        ),
        wait=wait,
        stop=stop_after_attempt(attempts) if attempts else stop_never,
        sleep=sleep,
        before_sleep=before_sleep,
        reraise=True,
    )


def retry_while_database_away(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call an idempotent function that uses the database, until the database answers."""

    def reconnect(state: RetryCallState) -> None:
        _log_outage(state)
        give_back()

    policy = retrying(DATABASE_AWAY, first=_FIRST_DELAY, longest=_LONGEST_DELAY, before_sleep=reconnect)
    return policy(function, *args, **kwargs)


async def aretry_while_database_away(call: Callable[[], Awaitable[R]]) -> R:
    """Await an idempotent call that uses the database, until the database answers."""
    policy = AsyncRetrying(
        retry=retry_if_exception_type(DATABASE_AWAY),
        wait=wait_exponential(multiplier=_FIRST_DELAY, max=_LONGEST_DELAY),
        before_sleep=_log_outage,
        reraise=True,
    )
    async for attempt in policy:
        with attempt:
            result = await call()
    return result


def _log_outage(state: RetryCallState) -> None:
    logger.warning(
        "The database is unavailable, trying again: %s", state.outcome and state.outcome.exception()
    )
