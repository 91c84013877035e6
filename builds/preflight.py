"""What a draft lacks before it can be compiled, and how it differs from an earlier configuration."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.urls import reverse

from configs.agent_report import AgentReport
from configs.choices import Tab
from configs.draft_check import known_problems
from configs.models import AgentConfig, ApiKey

# The system prompt is derived from the other values, and too long for a list of changes.
_DERIVED = frozenset({"system_prompt"})
_LONGEST = 80


def problems_of(
    agent: AgentConfig, report: AgentReport | None = None, offered: Sequence[ApiKey] | None = None
) -> list[dict[str, Any]]:
    """Return the invalid tabs of a saved draft, as far as is known: label, url and messages of each.

    `report` is the agent's, where it was made already, `offered` the rows of `offers_question`.
    """
    return [
        {
            "label": Tab(tab).label,
            "url": reverse(f"configs:{tab}", args=[agent.pk]),
            "messages": [message for texts in fields.values() for message in texts],
        }
        for tab, fields in known_problems(agent, report, offered).items()
    ]


def changes(before: str, after: str) -> list[dict[str, str]]:
    """Return the differences of two configurations (canonical JSON): dotted name, before, after."""
    old, new = (dict(_flatten("", json.loads(text))) for text in (before, after))
    names = [name for name in sorted(old | new) if old.get(name) != new.get(name) and name not in _DERIVED]
    return [
        {"name": name, "before": _shorten(old.get(name)), "after": _shorten(new.get(name))} for name in names
    ]


def _flatten(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flatten(f"{prefix}.{name}" if prefix else name, inner)
    else:
        yield prefix, value


def _shorten(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
