"""Follow the streams of builds, record by record, until they end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from agentforge.live import streams
from agentforge.live.connections import connect
from agentforge.live.log import StreamMissing
from agentforge.retry import DATABASE_AWAY, Backoff
from agentforge.tenancy.connections import give_back

# Notifications are only hints: every stream is read at least this often.
_POLL_SECONDS = 5.0


def follow(names: Iterable[str], stop: Callable[[], bool]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (stream, record), each record once, until every stream has ended or `stop()` returns True.

    Waits while the database is unavailable.
    """
    positions = dict.fromkeys(names, 0)
    delays = Backoff(0.1, 1.0)
    while positions and not stop():
        try:
            with connect() as listening:
                listening.execute("LISTEN live")
                while positions and not stop():
                    for name in list(positions):
                        yield from _new_records(name, positions)
                    delays.reset()
                    if positions:
                        list(listening.notifies(timeout=_POLL_SECONDS, stop_after=1))
        except DATABASE_AWAY:
            give_back()
            time.sleep(delays.next())


def _new_records(name: str, positions: dict[str, int]) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        for seq, record in streams.read(name, after=positions[name]):
            positions[name] = seq
            yield name, record
            if record["kind"] == "end":
                del positions[name]
                return
    except StreamMissing:
        del positions[name]
