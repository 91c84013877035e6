"""Keep the newest chunks of watched streams in memory, each encoded once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from django_eventstream.utils import make_id, sse_encode_event

from .log import LoggedChunk, Page
from .records import encode

# How much of a stream's end is kept while it is watched.
TAIL_BYTES = 256 * 1024
# About how much a viewer is sent at once, and the most that is buffered for one that does not read.
SEND_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Frame:
    """A chunk as sent, without its id line, which differs between viewers."""

    first: int
    last: int
    body: bytes

    @classmethod
    def of(cls, name: str, chunk: LoggedChunk, after: int = 0) -> Frame:
        """Return the frame of a chunk's records after `after`."""
        body = sse_encode_event("message", wire_data(name, chunk, after)).encode()
        return cls(max(chunk.first, after + 1), chunk.last, body)


def wire_data(name: str, chunk: LoggedChunk, after: int) -> str:
    """Return the data of a chunk for a client that has its records up to `after`."""
    first, data = chunk.first, chunk.data
    if after >= first:
        first = after + 1
        data = ",".join(encode(record) for _, record in chunk.records_after(after))
    return f'{{"channel":"{name}","seq":{first},"records":[{data}]}}'


class Tail:
    """The end of a watched stream: every chunk from `start` on, and the stream's state."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.start = 0
        self.last_seq = 0
        self.is_loaded = False  # has been read once
        self.is_closed = False
        self.is_deleted = False
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        # What follows the position that viewers were last served from; -1 is no position.
        self._sent_after = -1
        self._sent = 0, b""

    def extend(self, page: Page) -> None:
        """Add a page that was read after `last_seq`."""
        for chunk in page.chunks:
            if chunk.first != self.last_seq + 1:
                self._frames.clear()
                self._bytes = 0
                self.start = chunk.first - 1
            self._frames.append(Frame.of(self.name, chunk))
            self._bytes += len(self._frames[-1].body)
            self.last_seq = chunk.last
            self._sent_after = -1
        while self._bytes > TAIL_BYTES:
            dropped = self._frames.popleft()
            self._bytes -= len(dropped.body)
            self.start = dropped.last
        self.is_loaded = True
        # The page may end before the stream's end; the next one has the rest.
        self.is_closed = page.closed and self.last_seq >= page.last_seq

    def next_after(self, position: int) -> tuple[int, bytes] | None:
        """Return the next position and events for a viewer of this stream alone.

        Most viewers are at the same position, so the last result is kept: all are sent the same bytes.
        None if the tail does not reach back that far and the log has to be read; no bytes if nothing is new.
        """
        if self._sent_after == position:
            return self._sent
        if position >= self.last_seq:
            return position, b""
        frames = self.after(position)
        if frames is None:
            return None
        parts: list[bytes] = []
        last = position
        for frame in within(frames, SEND_BYTES):
            last = frame.last
            parts += (b"id: ", make_id({self.name: last}).encode(), b"\n", frame.body)
        self._sent_after, self._sent = position, (last, b"".join(parts))
        return self._sent

    def has_ended(self, position: int) -> bool:
        """Return whether nothing will ever follow a position."""
        return self.is_deleted or (self.is_closed and position >= self.last_seq)

    def after(self, position: int) -> list[Frame] | None:
        """Return the frames after a position; None if the tail does not reach back that far."""
        if not self.is_loaded or position >= self.last_seq:
            return []
        if position < self.start:
            return None
        frames: list[Frame] = []
        for frame in reversed(self._frames):
            if frame.last <= position:
                break
            frames.append(frame)
        frames.reverse()
        return frames if frames[0].first == position + 1 else None


def within(frames: Iterable[Frame], budget: int) -> Iterable[Frame]:
    """Yield frames up to `budget` bytes, but at least one."""
    for frame in frames:
        yield frame
        budget -= len(frame.body)
        if budget <= 0:
            return
