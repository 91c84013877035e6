"""The SQL statements that append to the log and read it.

A stream's row is the lock of its log: an append updates it and keeps it locked until its transaction ends. So
sequence numbers become visible in order and without gaps, with any number of writers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .records import decode

NOTIFY_CHANNEL = "live"

# How the data of a chunk begins: with the time of its first record.
_TIME = re.compile(r'\{"t": ?(\d+(?:\.\d+)?)')

# Bytes of data per read, but at least one chunk.
PAGE_BYTES = 256 * 1024

# `expected` is the last_seq that the writer expects, or NULL to append at any position. `epoch` is the
# writer's: another one's append changes nothing. `new_epoch` begins one.
# The notification is a pointer (stream and last_seq); PostgreSQL delivers it at commit.
APPEND = """
WITH moved AS (
    UPDATE live_stream SET
        last_seq = last_seq + %(count)s,
        closed_at = CASE WHEN %(closing)s THEN clock_timestamp() END,
        epoch = coalesce(%(new_epoch)s, epoch)
    WHERE name = %(name)s AND closed_at IS NULL
        AND (%(expected)s::bigint IS NULL OR last_seq = %(expected)s)
        AND (%(epoch)s::bigint IS NULL OR coalesce(epoch, %(epoch)s) = %(epoch)s)
    RETURNING name, last_seq
), stored AS (
    INSERT INTO live_chunk (stream_id, first_seq, last_seq, data, created_at)
    SELECT name, last_seq - %(count)s + 1, last_seq, %(data)s, clock_timestamp() FROM moved
)
SELECT last_seq, pg_notify('live', name || ':' || last_seq) FROM moved
"""

# octet_length() of a stored text does not unpack it, so a page costs what it returns.
_PAGE = """
SELECT stream.last_seq, stream.closed_at IS NOT NULL, page.first_seq, page.last_seq, page.data
FROM live_stream AS stream LEFT JOIN LATERAL (
    SELECT first_seq, last_seq, data FROM (
        SELECT *, sum(octet_length(data)) OVER (ORDER BY last_seq {order}) - octet_length(data) AS before
        FROM (
            SELECT first_seq, last_seq, data FROM live_chunk
            WHERE stream_id = stream.name AND last_seq > %(after)s
            ORDER BY last_seq {order} LIMIT 512
        ) AS ahead
    ) AS measured WHERE before < %(budget)s
) AS page ON true
WHERE stream.name = %(name)s{shown}
ORDER BY page.last_seq
"""
_SHOWN = " AND stream.hidden_at IS NULL"
PAGE_AFTER = _PAGE.format(order="ASC", shown="")
# For viewers, to whom a hidden stream is missing.
SHOWN_AFTER = _PAGE.format(order="ASC", shown=_SHOWN)
SHOWN_NEWEST = _PAGE.format(order="DESC", shown=_SHOWN)


class StreamMissing(LookupError):
    """There is no stream of that name."""


class StreamClosed(RuntimeError):
    """The stream takes nothing more: it has ended, or a writer of another epoch took it over."""


@dataclass(frozen=True, slots=True)
class LoggedChunk:
    """A stored chunk: records `first` to `last` as the inside of a JSON array."""

    first: int
    last: int
    data: str

    def records_after(self, after: int) -> list[tuple[int, dict[str, Any]]]:
        """Return (sequence number, record) for the records after a sequence number."""
        numbered = enumerate(decode(self.data), start=self.first)
        return [(seq, record) for seq, record in numbered if seq > after]


@dataclass(frozen=True, slots=True)
class Page:
    """Consecutive chunks of a stream, with the stream's end and state in the same snapshot."""

    last_seq: int
    closed: bool
    chunks: tuple[LoggedChunk, ...]

    @classmethod
    def of(cls, name: str, rows: Sequence[Sequence[Any]]) -> Page:
        """Return the page for a page statement's rows. Raises StreamMissing if there are none."""
        if not rows:
            raise StreamMissing(name)
        chunks = tuple(LoggedChunk(*row[2:]) for row in rows if row[2] is not None)
        return cls(last_seq=rows[0][0], closed=rows[0][1], chunks=chunks)

    def written_at(self) -> float | None:
        """Return the time of the newest chunk's first record, in epoch seconds, without decoding it."""
        match = _TIME.match(self.chunks[-1].data) if self.chunks else None
        return float(match[1]) if match else None
