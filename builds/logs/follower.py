"""Follow streams from a command, record by record, until they end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import psycopg
from django.db import DatabaseError, InterfaceError, connection

from agentforge.live import streams
from agentforge.live.connections import parameters
from agentforge.live.log import StreamMissing

Numbered = tuple[int, dict[str, Any]]

# Notifications are only hints; once in so many seconds everything is looked at anyway.
_LOOK_AGAIN = 5.0
_PAUSE = 1.0
_AWAY = (psycopg.OperationalError, InterfaceError, DatabaseError)


def follow(names: Iterable[str], stop: Callable[[], bool]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (stream, record) as they come, until every stream has ended or `stop()` says so.

    A database that goes away is waited for; each record comes once.
    """
    positions = dict.fromkeys(names, 0)
    while positions and not stop():
        try:
            with psycopg.connect(**parameters()) as listening:
                listening.execute("LISTEN live")
                while positions and not stop():
                    for name in list(positions):
                        yield from _new(name, positions)
                    if positions:
                        list(listening.notifies(timeout=_LOOK_AGAIN, stop_after=1))
        except _AWAY:
            connection.close()
            time.sleep(_PAUSE)


def _new(name: str, positions: dict[str, int]) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        for seq, record in streams.read(name, after=positions[name]):
            positions[name] = seq
            yield name, record
            if record["kind"] == "end":
                del positions[name]
                return
    except StreamMissing:
        del positions[name]
