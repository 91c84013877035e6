"""Say times and sizes for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django import template

from builds import reports
from builds.models import Build, BuildTarget

register = template.Library()

_FAVICONS = {"queued": "running", "running": "running", "succeeded": "done", "failed": "failed"}
_MINUTE = 60


@register.filter
def seconds(value: timedelta | None) -> str:
    """Say a duration: 0.8 s, 2 min 5 s; empty for none."""
    if value is None:
        return ""
    total = value.total_seconds()
    if total < 0.05:
        return "<0.1 s"
    if total < _MINUTE:
        return f"{total:.1f} s"
    return f"{int(total // _MINUTE)} min {int(total % _MINUTE)} s"


@register.filter
def milliseconds(value: int | str | None) -> str:
    """Say a step's duration; empty while it goes on."""
    return seconds(timedelta(milliseconds=value)) if isinstance(value, int) else ""


@register.filter
def took(build: Build | BuildTarget) -> str:
    """Say how long a build, or a target of one, ran."""
    return seconds(reports.duration(build)) or ("<0.1 s" if build.finished_at else "")


@register.filter
def megabytes(size: int) -> str:
    """Say a size: 412 B, 1.8 KB, 13.0 MB."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1e3:.1f} KB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"


@register.filter
def first_line(text: str) -> str:
    return text.partition("\n")[0]


@register.filter
def at(held: Mapping[int, object], key: int) -> object:
    """Return what a mapping holds under a key."""
    return held.get(key)


@register.filter
def favicon(status: str) -> str:
    """Name the page's icon for a status."""
    return _FAVICONS.get(status, "idle")
