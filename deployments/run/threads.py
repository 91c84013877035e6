from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import psycopg
from django.db import InterfaceError, OperationalError, connections

logger = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
# What a query raises while the database is away.
DatabaseAway = (OperationalError, InterfaceError, psycopg.OperationalError)

P = ParamSpec("P")
R = TypeVar("R")


async def in_own_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call what takes long and uses the database, and give its connection back afterwards."""

    def call() -> R:
        try:
            return function(*args, **kwargs)
        finally:
            connections.close_all()

    # Not one of the few that everybody shares: as many deployments go on as the worker has jobs.
    thread = ThreadPoolExecutor(1, thread_name_prefix=function.__name__)
    try:
        return await asyncio.get_running_loop().run_in_executor(thread, contextvars.copy_context().run, call)
    finally:
        thread.shutdown(wait=False)


def once_possible(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function that uses the database, again and again while that is away.

    To be used for what may be done twice: an answer that got lost counts as not given.
    """
    pause = _FIRST_PAUSE
    while True:
        try:
            return function(*args, **kwargs)
        except DatabaseAway as error:
            logger.warning("The database is away, trying again: %s", error)
            connections.close_all()
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
