"""Search a build's whole log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from .ansi import plain
from .index import Index, Line, number_lines, read_chunks

MOST_HITS = 5000


@dataclass
class Found:
    """Hold how many lines match, and the first MOST_HITS of them."""

    total: int = 0
    lines: list[Line] = field(default_factory=list)


def search(index: Index, words: str, *, errors: bool = False) -> Found:
    """Find the lines that hold some words, whatever their case and colours; `errors` looks at stderr only."""
    found = Found()
    sought = words.casefold()
    for line in _candidates(index, sought, errors=errors):
        if (not errors or line["stream"] == "err") and sought in plain(line["text"]).casefold():
            found.total += 1
            if len(found.lines) < MOST_HITS:
                found.lines.append(line)
    return found


def _candidates(index: Index, sought: str, *, errors: bool) -> Iterator[Line]:
    """Yield the lines of the chunks that may hold the words; others are not even decoded."""
    escaped = json.dumps(sought, ensure_ascii=False)[1:-1].casefold()
    for at, chunk in read_chunks(index, list(range(len(index.spots)))):
        # An escape may stand in the middle of a word.
        if escaped in chunk.data.casefold() or "\\u00" in chunk.data:
            yield from number_lines(index, at, chunk, errors=errors)
