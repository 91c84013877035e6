"""Keep the newest chunks of the streams that are being watched in memory, each encoded once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from django_eventstream.utils import make_id, sse_encode_event

from .log import LoggedChunk, Page
from .records import encode

# How much of a stream's end is kept while somebody watches it.
TAIL_BYTES = 256 * 1024
# About what a viewer is sent at once, and at most what lies ready for one that does not read.
SEND_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Frame:
    """Hold a chunk as sent, but for its id line, which differs from viewer to viewer."""

    first: int
    last: int
    body: bytes

    @classmethod
    def of(cls, name: str, chunk: LoggedChunk, after: int = 0) -> Frame:
        """Return the frame of a chunk's records behind `after`."""
        body = sse_encode_event("message", wire_data(name, chunk, after)).encode()
        return cls(max(chunk.first, after + 1), chunk.last, body)


def wire_data(name: str, chunk: LoggedChunk, after: int) -> str:
    """Return what a client gets of a chunk whose records up to `after` it has."""
    first, data = chunk.first, chunk.data
    if after >= first:
        first = after + 1
        data = ",".join(encode(record) for _, record in chunk.records_after(after))
    return f'{{"channel":"{name}","seq":{first},"records":[{data}]}}'


class Tail:
    """Hold a watched stream's end: every chunk from `start` on, and the stream's state."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.start = 0
        self.last_seq = 0
        self.is_loaded = False  # it has been read once
        self.is_closed = False
        self.is_deleted = False
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._sent: tuple[int, int, bytes] | None = None

    def extend(self, page: Page) -> None:
        """Take over a page that was read behind `last_seq`."""
        for chunk in page.chunks:
            if chunk.first != self.last_seq + 1:
                self._frames.clear()
                self._bytes = 0
                self.start = chunk.first - 1
            self._frames.append(Frame.of(self.name, chunk))
            self._bytes += len(self._frames[-1].body)
            self.last_seq = chunk.last
            self._sent = None
        while self._bytes > TAIL_BYTES:
            dropped = self._frames.popleft()
            self._bytes -= len(dropped.body)
            self.start = dropped.last
        self.is_loaded = True
        # The page may stop short of the stream's end; a later one brings the rest.
        self.is_closed = page.closed and self.last_seq >= page.last_seq

    def next_after(self, position: int) -> tuple[int, bytes] | None:
        """Return what comes next for who follows this stream alone: the position after it, and its events.

        Most viewers stand at the same position, so the last answer is kept: all are sent the same bytes.
        None when it is not all here and the log has to be read; no bytes when there is nothing new.
        """
        if position >= self.last_seq:
            return position, b""
        if self._sent is None or self._sent[0] != position:
            frames = self.after(position)
            if frames is None:
                return None
            parts: list[bytes] = []
            last = position
            for frame in within(frames, SEND_BYTES):
                last = frame.last
                parts += (b"id: ", make_id({self.name: last}).encode(), b"\n", frame.body)
            self._sent = position, last, b"".join(parts)
        return self._sent[1:]

    def has_ended(self, position: int) -> bool:
        """Return whether nothing will ever come behind a position."""
        return self.is_deleted or (self.is_closed and position >= self.last_seq)

    def after(self, position: int) -> list[Frame] | None:
        """Return the frames behind a position; None when they are not all here and the log has to be read."""
        if not self.is_loaded or position >= self.last_seq:
            return []
        if position < self.start:
            return None
        found: list[Frame] = []
        for frame in reversed(self._frames):
            if frame.last <= position:
                break
            found.append(frame)
        found.reverse()
        return found if found[0].first == position + 1 else None


def within(frames: Iterable[Frame], budget: int) -> Iterable[Frame]:
    """Yield frames up to `budget` bytes, but at least one."""
    for frame in frames:
        yield frame
        budget -= len(frame.body)
        if budget <= 0:
            return
