"""The services that search the web for agents.

The agent reads the same table (agent/tools/websearch/provider.go).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

_TABLE = settings.BASE_DIR / "agent" / "tools" / "websearch" / "providers.json"
USUAL_RESULTS = 5


@dataclass(frozen=True)
class Limits:
    """The most characters and words of a query that a service takes, and the most results that it returns."""

    characters: int
    words: int
    results: int


@dataclass(frozen=True)
class SearchProvider:
    """How a service is asked, and where its answer has what; one without an address is the user's own.

    A GET request has its fields in the query, a POST request in a JSON object.
    """

    label: str
    path: str
    method: str
    query: str
    limits: Limits
    results: tuple[str, ...]
    snippet: str
    address: str = ""
    auth: Mapping[str, str] = field(default_factory=dict)
    count: str = ""
    allowed: str = ""
    excluded: str = ""
    always: Mapping[str, str] = field(default_factory=dict)
    reason: tuple[str, ...] = ()
    forbidden: str = ""


def _read() -> dict[str, SearchProvider]:
    table = json.loads(_TABLE.read_text(encoding="utf-8"))
    return {
        code: SearchProvider(**{**entry, "limits": Limits(**entry["limits"])})
        for code, entry in table.items()
    }


PROVIDERS = _read()
LONGEST_QUERY = max(provider.limits.characters for provider in PROVIDERS.values())


def address_of(given: Mapping[str, Any]) -> str:
    """Return the address that the settings of a search mean; empty if they mean none."""
    provider = PROVIDERS.get(str(given.get("provider")))
    return str(given.get("url") or provider.address) if provider else ""


def needs_address(given: Mapping[str, Any]) -> bool:
    """Return whether the chosen service has no address of its own."""
    provider = PROVIDERS.get(str(given.get("provider")))
    return provider is not None and not provider.address
