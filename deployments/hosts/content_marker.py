"""The content marker: a file in each site that holds the hash of its content."""

from __future__ import annotations

import json

from agentforge import outbound

MARKER = "agentforge.json"


def parse_marker(body: bytes) -> str:
    """Return the content hash in a marker, empty if it is none."""
    try:
        marker = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return str(marker.get("content") or "") if isinstance(marker, dict) else ""


def fetch_marker(address: str) -> str:
    """Return the content hash that a site serves, empty if it serves none."""
    try:
        reply = outbound.fetch("GET", f"{address}/{MARKER}", headers={"Cache-Control": "no-cache"})
    except outbound.OutboundError:
        return ""
    return parse_marker(reply.body) if reply.status == 200 else ""
