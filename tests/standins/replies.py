"""Say what a stand-in of a model answers: in the words of no provider."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Text:
    """Answer with words, streamed in these pieces."""

    pieces: tuple[str, ...]
    finish: str = "stop"

    @classmethod
    def of(cls, text: str) -> Text:
        """Split a text after each space, as tokens come."""
        words = text.split(" ")
        return cls((*(f"{word} " for word in words[:-1]), words[-1]))


class Held(tuple[str, ...]):
    """Pieces of a Text: after the first two, the others wait to be released, or never come."""

    def __init__(self, pieces: tuple[str, ...]) -> None:
        self.go_on = threading.Event()
        self.breaks = False

    def __iter__(self) -> Iterator[str]:
        pieces = tuple(super().__iter__())
        yield from pieces[:2]
        assert self.go_on.wait(120)
        if self.breaks:
            raise ConnectionResetError
        yield from pieces[2:]

    def let_go(self, *, breaks: bool = False) -> None:
        self.breaks = breaks
        self.go_on.set()


@dataclass(frozen=True)
class Call:
    """Ask for one tool."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    id: str = "call_1"


@dataclass(frozen=True)
class Calls:
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Failure:
    """Refuse the request with a status, a machine-readable code and words."""

    status: int
    code: str
    message: str


@dataclass(frozen=True)
class Stream:
    """Answer with these bytes, piece by piece: of a server that bends its protocol."""

    pieces: tuple[bytes, ...]
    content_type: str = "text/event-stream"

    @classmethod
    def of(cls, *events: str) -> Stream:
        """Send each text as the data of one event."""
        return cls(tuple(f"data: {event}\n\n".encode() for event in events))


Reply = Text | Calls | Failure | Stream

# What one answer counts as, so that a test can add up.
INPUT_TOKENS, OUTPUT_TOKENS = 11, 7
