"""The differences between a draft and its newest revision."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import reduce
from typing import Any

from .documents.paths import PATHS
from .models import AgentConfig, Revision


@dataclass(frozen=True)
class Changes:
    """A revision, and the fields of the draft that differ from it."""

    revision: Revision
    fields: tuple[str, ...]


def changes_since_revision(agent: AgentConfig) -> Changes | None:
    """Return the fields of a draft that differ from its newest revision; None before the first."""
    newest: Revision | None = Revision.objects.filter(agent_id=agent.pk).order_by("-number").first()
    if newest is None:
        return None
    frozen = json.loads(newest.canonical_json)
    changed = [name for path, name in PATHS.items() if _at(frozen, path) != _comparable(getattr(agent, name))]
    return Changes(newest, tuple(name.replace("_", " ") for name in changed))


def _at(content: Any, path: str) -> Any:
    return _comparable(reduce(lambda inner, name: inner[name], path.split("."), content))


def _comparable(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(value)
    return value if isinstance(value, (str, bool)) else float(value)
