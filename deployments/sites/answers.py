"""Ask an own server whether the agent answers there: its site is never called live on the forge's word."""

from __future__ import annotations

import json

from agentforge import outbound
from deployments.hosts.content_marker import fetch_marker

_SECONDS, _MAX_BYTES = 5.0, 4096


def ask_server(address: str, content: str) -> str:
    """Return why the agent does not answer at an address; empty if it does.

    `content` is the hash of what was deployed last: an older one may still be running.
    """
    try:
        reply = outbound.fetch("GET", f"{address}/healthz", seconds=_SECONDS, max_bytes=_MAX_BYTES)
    except outbound.OutboundError as error:
        return str(error)
    if reply.status != 200 or not _is_healthy(reply.body):
        return f"{address}/healthz answered {reply.status}, but not as an agent does."
    shown = fetch_marker(address)
    if shown and content and shown != content:
        return f"{address} still runs an earlier deployment. Install the newest one there."
    return ""


def _is_healthy(body: bytes) -> bool:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("status") == "ok"
