"""A rush of viewers opens connections to the database, and quiet closes them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg

from agentforge.accounts.models import User
from agentforge.live.connections import connect
from agentforge.live.reader import CONNECTIONS
from agentforge.live.streams import create_stream
from tests.drivers.sse_client import LiveConnection
from tests.drivers.web_process import WebProcess

_LIVE = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'agentforge web live'
"""
_WAITING = f"{_LIVE} AND wait_event_type = 'Lock'"


def test_readers_close_what_they_no_longer_need(owner: User, signed_in: dict[str, str]) -> None:
    names = [f"build-{number}" for number in range(CONNECTIONS)]
    for name in names:
        create_stream(name, owner.pk)
    with (
        WebProcess(LIVE_KEEP_ALIVE_SECONDS="0.2") as web,
        connect() as operator,
        connect() as locks,
        ExitStack() as viewers,
        ThreadPoolExecutor(CONNECTIONS) as threads,
    ):
        # Of a server that other tests have used.
        [(others,)] = operator.execute(_LIVE.encode()).fetchall()
        with locks.transaction():
            locks.execute("LOCK TABLE live_stream IN ACCESS EXCLUSIVE MODE")
            openings = [threads.submit(_opened, web.follow(signed_in, name)) for name in names]
            _wait_until(operator, _WAITING, lambda count: count == CONNECTIONS)
        for opening in openings:
            viewers.enter_context(opening.result())
        # One that listens, one that reads.
        _wait_until(operator, _LIVE, lambda count: count <= others + 2)


def _opened(viewer: LiveConnection) -> ExitStack:
    stack = ExitStack()
    stack.enter_context(viewer)
    return stack


def _wait_until(operator: psycopg.Connection, query: str, is_reached: Callable[[int], bool]) -> None:
    deadline = time.monotonic() + 30
    while True:
        row = operator.execute(query.encode()).fetchone()
        assert row is not None
        if is_reached(row[0]):
            return
        assert time.monotonic() < deadline, row
        operator.execute("SELECT pg_sleep(0.05)")
