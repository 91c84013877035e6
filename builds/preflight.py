"""Check whether a saved draft can be compiled, and compare it with an earlier configuration."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from configs.forms import TAB_FORMS
from configs.forms.base import draft_values
from configs.models import AgentConfig
from configs.providers.offers import offers_for

# The system prompt is derived from the other values, and too long for a list of changes.
_DERIVED = frozenset({"system_prompt"})
_LONGEST = 80


def problems(agent: AgentConfig) -> dict[str, dict[str, list[str]]]:
    """Return the errors of a saved draft: tab → field → messages; empty when it can be compiled."""
    offers = offers_for(agent.owner_id)
    problems_by_tab: dict[str, dict[str, list[str]]] = {}
    for tab, form_class in TAB_FORMS.items():
        form = form_class(draft_values(form_class, agent), instance=agent, offers=offers)
        if not form.is_valid():
            problems_by_tab[str(tab)] = {
                name: [str(message) for message in errors] for name, errors in form.errors.items()
            }
    return problems_by_tab


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
