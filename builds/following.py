"""Follow streams from a command, record by record, until they end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import psycopg

from agentforge.live import streams
from agentforge.live.connections import parameters
from agentforge.live.log import StreamMissing

# Notifications are only hints; once in so many seconds everything is looked at anyway.
_LOOK_AGAIN = 5.0


def follow(names: Iterable[str], stop: Callable[[], bool]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (stream, record) as they come, until every stream has ended or `stop()` says so."""
    positions = dict.fromkeys(names, 0)
    with psycopg.connect(**parameters()) as listening:
        listening.execute("LISTEN live")
        while positions and not stop():
            for name in list(positions):
                yield from _new(name, positions)
            if positions:
                list(listening.notifies(timeout=_LOOK_AGAIN, stop_after=1))


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
