"""Validate the settings of a web search."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from .search_providers import PROVIDERS
from .service_validation import clean_url
from .setting_validation import clean_hosts

MOST_RESULTS = 10
# Allowed hosts are operators of a query, and leave room for its words (providers.json has the limits).
_MOST_ALLOWED = 10
_MOST_CHARACTERS = 150


def clean_provider(value: Any) -> str:
    if value in ("", None):
        return ""
    if not isinstance(value, str) or value not in PROVIDERS:
        raise ValidationError(f"Choose one of {', '.join(PROVIDERS)}.")
    return value


def clean_address(value: Any) -> str:
    return clean_url(value).rstrip("/") if value not in ("", None) else ""


def clean_count(value: Any) -> int | None:
    """Return the number of results of a search, or None for the usual one."""
    if value in ("", None):
        return None
    text = str(value).strip()
    if text not in map(str, range(1, MOST_RESULTS + 1)):
        raise ValidationError(f"Enter a number from 1 to {MOST_RESULTS}.")
    return int(text)


def clean_sites(value: Any) -> list[str]:
    """Return hosts, each of which stands for those below it too."""
    hosts = clean_hosts(value)
    for host in hosts:
        if host.startswith("*") or ":" in host:
            raise ValidationError(f"“{host[:80]}”: give the host alone; those below it belong to it.")
    return hosts


def clean_allowed(value: Any) -> list[str]:
    hosts = clean_sites(value)
    if len(hosts) > _MOST_ALLOWED or sum(map(len, hosts)) > _MOST_CHARACTERS:
        raise ValidationError(
            f"Give at most {_MOST_ALLOWED} hosts of together {_MOST_CHARACTERS} characters: they are part of "
            "each query."
        )
    return hosts
