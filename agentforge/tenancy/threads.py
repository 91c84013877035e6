"""Call code that uses the database from a worker's coroutines."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async

from agentforge.retry import aretry_while_database_away

from .connections import connection_lease

P = ParamSpec("P")
R = TypeVar("R")


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a short function that uses the database, in the thread that all coroutines share."""

    def call() -> R:
        with connection_lease():
            return function(*args, **kwargs)

    return await sync_to_async(call)()


async def in_thread_with_retry(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call as `in_thread` does, until the database answers; only for idempotent calls."""
    return await aretry_while_database_away(lambda: in_thread(function, *args, **kwargs))


async def in_own_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a long-running function that uses the database, in a thread of its own."""

    def call() -> R:
        with connection_lease():
            return function(*args, **kwargs)

    # Not in the shared executor, whose few threads would limit how many jobs a worker can run.
    executor = ThreadPoolExecutor(1, thread_name_prefix=function.__name__)
    try:
        return await asyncio.get_running_loop().run_in_executor(
            executor, contextvars.copy_context().run, call
        )
    finally:
        executor.shutdown(wait=False)
