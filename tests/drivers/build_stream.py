"""Wait for what a stream says, by PostgreSQL's notifications."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from agentforge.live import streams
from agentforge.live.connections import parameters

Record = dict[str, Any]


def wait_for(name: str, wanted: Callable[[Record], bool], *, after: int = 0, seconds: float = 60) -> Record:
    """Return the first record of a stream behind `after` that is wanted, as soon as it is there.

    Raises TimeoutError, with what came instead.
    """
    with psycopg.connect(**parameters()) as listening:
        listening.execute("LISTEN live")
        while True:
            seen = [record for _, record in streams.read(name, after)]
            found = next((record for record in seen if wanted(record)), None)
            if found is not None:
                return found
            if not list(listening.notifies(timeout=seconds, stop_after=1)):
                raise TimeoutError(f"{name} said only: {seen}")
