"""Name the file by which a site says which content it shows, and read it."""

from __future__ import annotations

import json

from agentforge import outbound

MARK = "agentforge.json"


def content_in(body: bytes) -> str:
    """Return the content that a mark names, empty when it is no mark."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return str(given.get("content") or "") if isinstance(given, dict) else ""


def content_at(address: str) -> str:
    """Return which content a site says it shows, empty when it does not say."""
    try:
        reply = outbound.fetch("GET", f"{address}/{MARK}", headers={"Cache-Control": "no-cache"})
    except outbound.OutboundError:
        return ""
    return content_in(reply.body) if reply.status == 200 else ""
