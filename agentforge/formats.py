"""Durations and sizes as people write them."""

from __future__ import annotations

from datetime import timedelta

_MINUTE = 60


def duration(value: timedelta) -> str:
    """Return "<0.1 s", "0.8 s" or "2 min 5 s"."""
    seconds = value.total_seconds()
    if seconds < 0.05:
        return "<0.1 s"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE)} s"


def size(count: int) -> str:
    """Return a number of bytes as "412 B", "1.8 KB" or "13.0 MB"."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1e3:.1f} KB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"
