from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

import psycopg
from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, close_old_connections

logger = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0

P = ParamSpec("P")
R = TypeVar("R")


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function that uses the database from a worker's coroutine; no dead connection is met again."""

    def call() -> R:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    return await sync_to_async(call)()


async def once_possible(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function as `in_thread` does, again and again while the database is away.

    To be used for what may be done twice: an answer that got lost counts as not given.
    """
    return await persist(lambda: in_thread(function, *args, **kwargs))


async def persist(call: Callable[[], Awaitable[R]]) -> R:
    """Await what `call` returns, again and again while the database is away."""
    pause = _FIRST_PAUSE
    while True:
        try:
            return await call()
        except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
            logger.warning("The database is away, trying again: %s", error)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
