"""Encode records as the text of a chunk, and decode them."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

# These can't be encoded in UTF-8.
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")

# Deeper values would exhaust Python's stack.
MAX_LEVELS = 100

_encoder = DjangoJSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode(record: Mapping[str, Any]) -> str:
    """Return a record as one line of JSON, with its time `t` (epoch seconds) added if missing.

    Line ends become `\\n`, NULs are removed, lone surrogates become U+FFFD. The result contains no raw
    control characters, so no text can end a line of an event stream. Raises ValueError for a record without a
    `kind`, and for NaN and infinity.
    """
    if not record.get("kind"):
        raise ValueError("A record of a stream needs a kind.")
    timed = {"t": round(time.time(), 6), **record}
    text = _encoder.encode(timed)
    return _encoder.encode(clean(timed)) if _is_unsafe(text) else text


def encode_all(records: Sequence[Mapping[str, Any]]) -> str:
    """Return records as the data of a chunk, like encode(), but much faster than one by one.

    Raises ValueError as encode() does.
    """
    if not all(record.get("kind") for record in records):
        raise ValueError("A record of a stream needs a kind.")
    now = round(time.time(), 6)
    timed = [{"t": now, **record} for record in records]
    text = _encoder.encode(timed)
    return (_encoder.encode(clean(timed)) if _is_unsafe(text) else text)[1:-1]


def decode(data: str) -> list[dict[str, Any]]:
    """Return the records of a chunk's data."""
    records: list[dict[str, Any]] = json.loads(f"[{data}]")
    return records


def _is_unsafe(text: str) -> bool:
    """Return whether JSON contains a NUL, a carriage return (both as escapes) or a lone surrogate."""
    if "\\u0000" in text or "\\r" in text:
        return True
    return not text.isascii() and _LONE_SURROGATE.search(text) is not None


def clean(value: Any, levels: int = MAX_LEVELS) -> Any:
    """Return a JSON value that streams and the database can store.

    Texts change as encode() says; NaN, infinity and what is nested deeper than `levels` become None.
    """
    match value:
        case str():
            text = value.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case float() if not math.isfinite(value):
            return None
        case Mapping() | list() | tuple() if not levels:
            return None
        case Mapping():
            return {clean(key): clean(item, levels - 1) for key, item in value.items()}
        case list() | tuple():
            return [clean(item, levels - 1) for item in value]
        case _:
            return value
