"""Write a busy stream: records are collected for some milliseconds and stored as one chunk.

How one chunk is stored exactly once (`_store`, `_append`):

                 appended
    +-- SURE --------------------> stored: the position is the chunk's last_seq
    |    |  ^
    |    |  | read the stream's position
    |    v  |
    |   MOVED   no row: another writer was first, the position is unknown; StreamClosed if it took over
    |
    | connection lost: the statement may or may not have been committed
    v
    IN DOUBT -- reconnect, look for the chunk behind the last known position
         found      -> stored (the response was lost)
         not found  -> append at the position just read; IN DOUBT stays until a response arrives

Every append names the position that it expects. If a lost statement is committed late, the repeated one
appends nothing, and the next look finds the chunk.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import psycopg

from agentforge.retry import Backoff

from . import log, records
from .connections import connect

FLUSH_SECONDS = 0.05
# Bytes of JSON around the text of a line.
_OVERHEAD = 64
CHUNK_BYTES = 64 * 1024
# While the database is away, writers block once this much is unsaved.
BUFFER_BYTES = 16 * 1024 * 1024
CLOSE_SECONDS = 30.0

_IN_DOUBT = """
SELECT stream.last_seq, stream.closed_at IS NOT NULL OR stream.epoch <> %(epoch)s, (
    SELECT max(last_seq) FROM live_chunk
    WHERE stream_id = stream.name AND last_seq > %(expected)s AND data = %(data)s
) FROM live_stream AS stream WHERE name = %(name)s
"""


class StreamWriter:
    """Writes one stream from any thread, on its own connection, outside the caller's transaction.

    The first record after a pause is stored at once, further ones within FLUSH_SECONDS. While the database is
    away, records are buffered; they are stored once, in order, when it is back. A writer with an epoch is
    shut out when another one begins.
    """

    def __init__(self, name: str, epoch: int | None = None) -> None:
        self.name = name
        self.epoch = epoch
        # Parts of chunks, each with its number of records.
        self._waiting: deque[tuple[str, int]] = deque()
        self._waiting_bytes = 0
        self._unsaved = 0
        self._changed = threading.Condition()
        self._urgent = False
        self._closing = False
        self._error: Exception | None = None
        self._connection: psycopg.Connection | None = None
        self._position = 0
        self._is_position_known = False
        self._thread = threading.Thread(target=self._run, name=f"live writer {name}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, record: dict[str, Any]) -> None:
        """Add a record; blocks only while the database is away and the buffer is full.

        Raises StreamMissing or StreamClosed if storing an earlier record did, ValueError for an invalid one.
        """
        self._add(records.encode(record), 1)

    def write_many(self, many: Sequence[Mapping[str, Any]]) -> None:
        """Add records that belong together, much faster than one by one; otherwise like write()."""
        if not many:
            return
        # Do not encode more than a chunk only to find that it is too much: encoding is most of the work.
        text = "" if _is_more_than_a_chunk(many) else records.encode_all(many)
        if text and (len(text) <= CHUNK_BYTES or len(many) == 1):
            self._add(text, len(many))
        else:
            middle = len(many) // 2
            self.write_many(many[:middle])
            self.write_many(many[middle:])

    def _add(self, text: str, count: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._error or self._waiting_bytes < BUFFER_BYTES)
            self._raise_error()
            if self._closing:
                raise ValueError("The writer is closed.")
            self._waiting.append((text, count))
            self._waiting_bytes += len(text)
            self._unsaved += count
            self._changed.notify_all()

    def flush(self, timeout: float | None = None) -> None:
        """Wait until everything written so far is stored.

        Raises TimeoutError after `timeout` seconds, StreamMissing or StreamClosed.
        """
        with self._changed:
            self._urgent = True
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._error or not self._unsaved, timeout):
                raise TimeoutError(f"{self._unsaved} records of {self.name} are not stored yet.")
            self._raise_error()

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Store what is left and close the connection; the stream stays open.

        Raises as flush() does. Records that the database does not accept within that time are lost.
        """
        try:
            self.flush(seconds)
        finally:
            with self._changed:
                self._closing = True
                self._changed.notify_all()
            self._thread.join(CLOSE_SECONDS)

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            flushed_at = 0.0
            while batch := self._next_batch(flushed_at):
                count = sum(count for _, count in batch)
                self._store(",".join([text for text, _ in batch]), count)
                flushed_at = time.monotonic()
                with self._changed:
                    self._unsaved -= count
                    self._changed.notify_all()
        except Exception as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()
        finally:
            self._disconnect()

    def _next_batch(self, flushed_at: float) -> list[tuple[str, int]]:
        """Wait for records, then for more until the flush is due; return a chunk's worth, or [] to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            due = flushed_at + FLUSH_SECONDS
            while not self._is_due() and (left := due - time.monotonic()) > 0:
                self._changed.wait(left)
            batch: list[tuple[str, int]] = []
            room = CHUNK_BYTES
            while self._waiting and (not batch or len(self._waiting[0][0]) < room):
                batch.append(self._waiting.popleft())
                room -= len(batch[-1][0]) + 1
                self._waiting_bytes -= len(batch[-1][0])
            self._urgent = self._urgent and bool(self._waiting)
            self._changed.notify_all()
            return batch

    def _is_due(self) -> bool:
        return self._urgent or self._closing or self._waiting_bytes >= CHUNK_BYTES

    def _store(self, data: str, count: int) -> None:
        """Append one chunk exactly once, however often the connection breaks."""
        backoff = Backoff(0.05, 2.0)
        in_doubt = False
        while True:
            try:
                if self._append(data, count, in_doubt=in_doubt):
                    return
            except psycopg.OperationalError:
                self._disconnect()
                in_doubt = True
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, backoff.next())
                    if self._closing:
                        raise

    def _append(self, data: str, count: int, *, in_doubt: bool) -> bool:
        """Append at the stream's position; return False if another writer moved it first.

        The statement names the position that it expects, so that one whose response was lost is noticed, and
        cannot take effect after its repetition.
        """
        connection = self._connected()
        values: dict[str, Any] = {
            "name": self.name,
            "data": data,
            "expected": self._position,
            "epoch": self.epoch,
        }
        if in_doubt or not self._is_position_known:
            row = connection.execute(_IN_DOUBT, values).fetchone()
            if row is None:
                raise log.StreamMissing(self.name)
            self._position, is_shut_out, stored_at = row
            if in_doubt and stored_at is not None:
                return True
            if is_shut_out:
                raise log.StreamClosed(self.name)
            values["expected"] = self._position
        append = {**values, "count": count, "closing": False, "new_epoch": None}
        row = connection.execute(log.APPEND, append).fetchone()
        self._is_position_known = row is not None
        if row is not None:
            self._position = row[0]
        return row is not None

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = connect()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _is_more_than_a_chunk(many: Sequence[Mapping[str, Any]]) -> bool:
    if len(many) == 1:
        return False
    return sum([len(str(record.get("text", ""))) for record in many]) + _OVERHEAD * len(many) > CHUNK_BYTES
