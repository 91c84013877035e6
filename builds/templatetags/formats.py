"""Filters that format durations, sizes and states."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django import template

from agentforge import formats
from builds import reports
from builds.models import Build, BuildTarget

register = template.Library()
register.filter("size", formats.size)

_FAVICONS = {"queued": "running", "running": "running", "succeeded": "done", "failed": "failed"}


@register.filter
def duration(value: timedelta | None) -> str:
    return "" if value is None else formats.duration(value)


@register.filter
def milliseconds(value: int | str | None) -> str:
    """Format a step's duration; empty while it runs."""
    return formats.duration(timedelta(milliseconds=value)) if isinstance(value, int) else ""


@register.filter
def took(build: Build | BuildTarget) -> str:
    """Format the time from start to finish; empty before the finish."""
    if build.finished_at is None:
        return ""
    return formats.duration(reports.duration(build) or timedelta(0))


@register.filter
def first_line(text: str) -> str:
    return text.partition("\n")[0]


@register.filter
def lookup(mapping: Mapping[int, object], key: int) -> object:
    return mapping.get(key)


@register.filter
def favicon(status: str) -> str:
    """Return the variant of the page's icon for a status."""
    return _FAVICONS.get(status, "idle")
