"""Search a build's whole log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from .ansi import plain
from .index import Index, Line, number_lines, read_chunks

MOST_HITS = 5000


@dataclass
class SearchResult:
    """The number of matching lines, and the first MOST_HITS of them."""

    total: int = 0
    lines: list[Line] = field(default_factory=list)


def search(index: Index, text: str, *, errors: bool = False) -> SearchResult:
    """Find the lines that contain a text, ignoring case and colours; `errors` searches stderr only."""
    result = SearchResult()
    folded = text.casefold()
    for line in _candidates(index, folded, errors=errors):
        if (not errors or line["stream"] == "err") and folded in plain(line["text"]).casefold():
            result.total += 1
            if len(result.lines) < MOST_HITS:
                result.lines.append(line)
    return result


def _candidates(index: Index, folded: str, *, errors: bool) -> Iterator[Line]:
    """Yield the lines of the chunks that may contain the text; other chunks are not decoded."""
    escaped = json.dumps(folded, ensure_ascii=False)[1:-1].casefold()
    for at, chunk in read_chunks(index, list(range(len(index.checkpoints)))):
        # An escape sequence may interrupt a word.
        if escaped in chunk.data.casefold() or "\\u00" in chunk.data:
            yield from number_lines(index, at, chunk, errors=errors)
