"""The sources that an answer cites, as the agent checked them; its program may be hostile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_MOST = 50
_MOST_QUOTES = 20
_LONGEST = 500


def clean_citations(value: object) -> list[dict[str, Any]]:
    """Return what is well-formed of an event's citations, each with `file`, `place`, `found` and `quotes`."""
    return [
        {
            "file": _text(each.get("file")),
            "place": _text(each.get("place")),
            "found": each.get("found") is True,
            "quotes": [
                {
                    "text": _text(quote.get("text")),
                    "found": quote.get("found") is True,
                    "elsewhere": _text(quote.get("elsewhere")),
                }
                for quote in _objects(each.get("quotes"), _MOST_QUOTES)
            ],
        }
        for each in _objects(value, _MOST)
    ]


def _objects(value: object, most: int) -> Iterator[dict[str, Any]]:
    entries = value if isinstance(value, list) else []
    yield from (entry for entry in entries[:most] if isinstance(entry, dict))


def _text(value: object) -> str:
    return value[:_LONGEST] if isinstance(value, str) else ""
