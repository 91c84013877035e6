"""The headers that a tool's schema names for its arguments (`x-mcp-header`, version 2026-07-28 of MCP).

An agent calls no tool whose headers the protocol forbids: agent/mcpclient/headers.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_KEY = "x-mcp-header"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TYPES = {"string", "integer", "boolean"}


def header_fault(schema: Any) -> str:
    """Return why the headers of a schema are forbidden; empty if they are not."""
    taken: set[str] = set()
    for described in _with_headers(schema):
        name = described[_KEY]
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            return f"Its schema names a header that can't be one: {str(name)[:40]!r}."
        if not _fits(described.get("type")):
            return f"Its schema puts more than text, a whole number or yes and no into the header {name}."
        if name.lower() in taken:
            return f"Its schema names the header {name} twice."
        taken.add(name.lower())
    return ""


def _fits(kind: object) -> bool:
    """Return whether a type, or a list of types, may be in a header; none may allow only such values."""
    if isinstance(kind, list):
        return all(each == "null" or (isinstance(each, str) and each in _TYPES) for each in kind)
    return kind is None or (isinstance(kind, str) and kind in _TYPES)


def _with_headers(schema: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(schema, dict):
        return
    if _KEY in schema:
        yield schema
    properties = schema.get("properties")
    for described in properties.values() if isinstance(properties, dict) else ():
        yield from _with_headers(described)
