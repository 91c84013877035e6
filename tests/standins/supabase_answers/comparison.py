"""Compare an answer with a recorded one, whose changing parts are placeholders."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

HEADERS = (
    "x-sb-error-code",
    "x-supabase-api-version",
    "www-authenticate",
    "allow",
    "location",
    "cache-control",
)
# Placeholders, and what may stand for them.
_MASKS = {
    "<uuid>": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "<email>": r"[^@\s]+@[^@\s]+",
    "<time>": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z",
    "<jwt>": r"[\w-]+\.[\w-]+\.[\w-]+",
    "<refresh token>": r"[\w-]{12,62}",
    "<hash>": r"[0-9a-f]{56}",
    "<state>": r"[\w-]+",
    "<unix>": r"\d{10}",
    "<n>": r"\d+",
}
# Random, or the innards of the library that the service is written with.
_ANYTHING = {".keys[0].x", ".keys[0].y", ".version"}
_LIBRARY = re.compile(r"(?<=JSON: ).*|(?<=verify signature, ).*")


def differences(recorded: dict[str, Any], answer: httpx.Response) -> list[str]:
    """Return what differs: status, headers that matter, body."""
    found = (
        [] if answer.status_code == recorded["status"] else [f"status {answer.status_code}: {answer.text}"]
    )
    for name in HEADERS:
        expected, given = recorded["headers"].get(name), answer.headers.get(name)
        if name == "location" and expected and given:
            expected, given = _without_host(expected), _without_host(given)
        found += _differ(f"header {name}", expected, given)
    expected_type = (recorded["headers"].get("content-type") or "").partition(";")[0]
    found += _differ("content type", expected_type, answer.headers.get("content-type", "").partition(";")[0])
    if expected_type == "application/json" and not isinstance(recorded["response"], str):
        found += _differ("", recorded["response"], json.loads(answer.content or "null"))
    elif expected_type == "text/plain":
        found += _differ("", recorded["response"], answer.text)
    return found


def _without_host(location: str) -> str:
    """Return a location in which tokens, times and the services' own hosts are the same everywhere."""
    location = re.sub(r"(refresh_token|expires_at)=\w+", r"\1=x", location)
    location = re.sub(r"access_token=[^&]+", "access_token=x", location)
    location = re.sub(
        r"https://github.com/login/oauth/authorize|http://127\.0\.0\.1:\d+/auth/v1/provider/github",
        "P",
        location,
    )
    return re.sub(r"127\.0\.0\.1%3A\d+", "HOST", location)


def _differ(place: str, expected: Any, given: Any) -> list[str]:
    if place in _ANYTHING:
        return []
    if isinstance(expected, dict) and isinstance(given, dict):
        names = sorted({*expected, *given})
        missing = object()
        return [
            line
            for name in names
            for line in _differ(f"{place}.{name}", expected.get(name, missing), given.get(name, missing))
        ]
    if isinstance(expected, list) and isinstance(given, list) and len(expected) == len(given):
        pairs = enumerate(zip(expected, given, strict=True))
        return [line for number, pair in pairs for line in _differ(f"{place}[{number}]", *pair)]
    if isinstance(expected, str) and _matches(expected, given):
        return []
    return [] if expected == given else [f"{place}: expected {expected!r}, given {given!r}"]


def _matches(expected: str, given: Any) -> bool:
    if expected == "<unix>":
        return isinstance(given, int)
    if not isinstance(given, str):
        return False
    expected, given = (_LIBRARY.sub("", text) for text in (expected, given))
    pattern = re.escape(expected)
    for mask, form in _MASKS.items():
        pattern = pattern.replace(re.escape(mask), form)
    return re.fullmatch(pattern, given) is not None
