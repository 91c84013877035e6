"""Durations, sizes and numbers of things as people write them."""

from __future__ import annotations

from datetime import datetime, timedelta

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
# The limit below which a unit is used, and its length, in seconds.
_UNITS = (
    (_MINUTE, "second", 1),
    (_HOUR, "minute", _MINUTE),
    (_DAY, "hour", _HOUR),
    (30 * _DAY, "day", _DAY),
    (365 * _DAY, "month", 30 * _DAY),
    (float("inf"), "year", 365 * _DAY),
)


def duration(value: timedelta) -> str:
    """Return "<0.1 s", "0.8 s", "12 s", "3 min 5 s" or "2 h 4 min", as static/js/formats.js does."""
    seconds = value.total_seconds()
    if seconds < 0.05:
        return "<0.1 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def counted(number: int, noun: str) -> str:
    """Return "1 build" or "1,200 builds"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def relative(at: datetime, now: datetime) -> str:
    """Return "just now", "2 minutes ago" or "in 3 days", as static/js/formats.js does."""
    seconds = (at - now).total_seconds()
    if abs(seconds) < 10:
        return "just now"
    # What lasts is told by whole units; what is to come is not told short, and may round up to the next unit.
    share = 0.5 if seconds > 0 else 0
    counts = ((limit, unit, length, int(abs(seconds) / length + share)) for limit, unit, length in _UNITS)
    words = next(counted(count, unit) for limit, unit, length, count in counts if count * length < limit)
    return f"in {words}" if seconds > 0 else f"{words} ago"


def size(count: int) -> str:
    """Return a number of bytes as "412 B", "1.8 KB" or "13.0 MB"."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1e3:.1f} KB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"
