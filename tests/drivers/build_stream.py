"""Wait for a record of a stream, woken by PostgreSQL's notifications."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentforge.live import streams
from agentforge.live.connections import connect

Record = dict[str, Any]


def wait_for(name: str, wanted: Callable[[Record], bool], *, after: int = 0, seconds: float = 240) -> Record:
    """Wait for a record of a stream after `after` that matches `wanted`, and return the first.

    Raises TimeoutError, with the records that came instead.
    """
    with connect() as session:
        session.execute("LISTEN live")
        while True:
            records = [record for _, record in streams.read(name, after)]
            match = next((record for record in records if wanted(record)), None)
            if match is not None:
                return match
            if not list(session.notifies(timeout=seconds, stop_after=1)):
                raise TimeoutError(f"{name} has only: {records}")
