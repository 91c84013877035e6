"""What the events of a provider's answer say together, whichever API they are of."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any


def event_texts(body: str) -> Collection[str]:
    """Return the texts of a body's events, joined by their place in an event: the answer, a tool's arguments.

    An event is a line of JSON, after `data:` or alone; other lines say nothing.
    """
    texts: dict[str, list[str]] = defaultdict(list)
    for line in body.splitlines():
        try:
            event = json.loads(line.removeprefix("data:"))
        except (ValueError, RecursionError):
            continue
        for place, text in _texts(event, ""):
            texts[place].append(text)
    return ["".join(pieces) for pieces in texts.values()]


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield place, value
        case list():
            for each in value:
                yield from _texts(each, place)
        case dict():
            for name, each in value.items():
                yield from _texts(each, f"{place}/{name}")
