"""Tell an agent's pages what happens to its builds and its chat."""

from __future__ import annotations

import contextlib
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from agentforge.live import streams
from agentforge.live.log import StreamMissing


def ensure_stream(agent_id: int, owner_id: UUID) -> None:
    """Make the stream of an agent if it has none yet."""
    name = f"agent-{agent_id}"
    try:
        streams.position(name)
    except StreamMissing:
        # Somebody else may make it at this very moment; then theirs is used.
        with contextlib.suppress(IntegrityError), transaction.atomic():
            streams.create_stream(name, owner_id)


def announce(agent_id: int, owner_id: UUID, *records: dict[str, Any]) -> None:
    """Publish records on the stream of an agent, in the caller's transaction."""
    try:
        streams.publish(f"agent-{agent_id}", *records)
    except StreamMissing:
        ensure_stream(agent_id, owner_id)
        streams.publish(f"agent-{agent_id}", *records)


def announce_build(agent_id: int, owner_id: UUID, build_id: int, status: str) -> None:
    announce(agent_id, owner_id, {"kind": "build", "build": build_id, "status": status})
