"""Filters that format times, sizes, states and log lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime, now

from agentforge import formats
from builds import reports
from builds.logs import markup
from builds.models import Build, BuildTarget, BuildVerification, ChatMessage, MessageStatus
from builds.trial import markdown

register = template.Library()
register.filter("size", formats.size)
register.filter("counted", formats.counted)
register.filter("log_lines", markup.lines_markup)

_FAVICONS = {"queued": "running", "running": "running", "succeeded": "done", "failed": "failed"}
_EVALUATION_STATES: dict[str, str] = {"passed": "succeeded", "broken": "failed", "stopped": "cancelled"}
_VERIFICATION_STATES: dict[str, str] = {"same": "succeeded", "different": "failed"}


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
def ago(at: datetime) -> SafeString:
    """Render a time as "2 minutes ago", exact on hover; static/js/time.js keeps it current."""
    local = localtime(at)
    exact = date_format(local, "Y-m-d H:i:s e")
    iso = local.isoformat(timespec="seconds")
    return format_html(
        '<time datetime="{}" title="{}" data-time>{}</time>', iso, exact, formats.relative(at, now())
    )


@register.filter
def clock(at: datetime) -> SafeString:
    """Render the time of day; static/js/time.js shows it in the reader's own time zone."""
    local = localtime(at)
    iso = local.isoformat(timespec="seconds")
    return format_html('<time datetime="{}" data-time="clock">{}</time>', iso, date_format(local, "H:i"))


@register.filter
def usage(message: ChatMessage, waiting: Mapping[int, str]) -> str:
    """Return the line under an answer: its tokens and time, or why it waits; empty while it streams."""
    if message.status == MessageStatus.QUEUED:
        return waiting.get(message.pk, "Starting.")
    used, output = message.usage.get("input_tokens"), message.usage.get("output_tokens")
    tokens = f"{used or 0:,} tokens in, {output:,} out" if output else ""
    first = milliseconds(message.usage.get("first_token_ms"))
    words = f"first words after {first}" if first else ""
    return " · ".join(
        filter(None, [tokens, message.usage.get("cost"), words, milliseconds(message.duration_ms)])
    )


@register.filter
def tool_state(call: Mapping[str, Any]) -> str:
    """Return what became of a tool call and how long it took; a call that never returned is unfinished."""
    if "result" not in call:
        return "unfinished"
    return " · ".join(filter(None, ["failed" if call.get("error") else "done", milliseconds(call.get("ms"))]))


@register.filter
def indented(value: object) -> str:
    """Return a JSON value on several lines, as static/js/chat.js does."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def answer(message: ChatMessage) -> SafeString:
    """Render the Markdown of a finished answer."""
    links = message.usage.get("links")
    return markdown.render(message.content, None if links is None else frozenset(links))


register.filter("visible", markdown.visible)


@register.filter
def first_line(text: str) -> str:
    return text.partition("\n")[0]


@register.filter
def lookup(mapping: Mapping[int, object], key: int) -> object:
    return mapping.get(key)


@register.filter
def verification_state(verification: BuildVerification) -> str:
    """Return the `data-state` of a verification, which decides its colour and icon."""
    return _VERIFICATION_STATES.get(verification.status, verification.status)


@register.filter
def evaluation_state(status: str) -> str:
    """Return the `data-state` of an evaluation's run."""
    return _EVALUATION_STATES.get(status, status)


@register.filter
def percent(rate: float) -> str:
    """Return a rate from 0 to 1 in whole per cent."""
    return f"{rate:.0%}"


@register.filter
def favicon(status: str) -> str:
    """Return the variant of the page's icon for a status."""
    return _FAVICONS.get(status, "idle")
