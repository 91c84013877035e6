"""How an answer of a model goes wrong on its way, whatever its protocol."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat
from typing import Literal

from .server import Answer, as_events

# split: byte by byte; cut: the connection ends in the middle; malformed: an event that is no JSON; huge: a
# stream of more than any agent reads; open: it goes on after its end. The others refuse the request.
Bend = Literal["split", "cut", "malformed", "huge", "open", "rate_limited", "overloaded"]

# Status, code and words of an answer that was not begun.
REFUSING: dict[Bend | None, tuple[int, str, str]] = {
    "rate_limited": (429, "rate_limit_exceeded", "Too many requests."),
    "overloaded": (529, "overloaded_error", "Overloaded."),
}
_HUGE = 20 * 1024 * 1024


def bent(bend: Bend | None, events: Iterator[bytes]) -> Answer:
    """Return a stream of events, bent."""
    match bend:
        case "split":
            return as_events(bytes((byte,)) for event in events for byte in event)
        case "cut":
            return as_events(_first_half(list(events)))
        case "malformed":
            return as_events(iter((next(events), b"data: {nothing\n\n", *events)))
        case "huge":
            return as_events(_padded(events))
        case "open":
            return as_events(chain(events, repeat(b": still here\n\n")))
    return as_events(events)


def _first_half(events: list[bytes]) -> Iterator[bytes]:
    # Without the events that end an answer.
    yield from events[: len(events) // 2]


def _padded(events: Iterator[bytes]) -> Iterator[bytes]:
    padding = b": " + b"x" * (64 * 1024) + b"\n\n"
    yield next(events)
    for _ in range(_HUGE // len(padding)):
        yield padding
    yield from events
