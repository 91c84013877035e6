"""Publish what happens to an agent on its stream: checks, saves, builds, deployments, the chat.

A page that shows the agent reads its report again when such a record arrives.
"""

from __future__ import annotations

import contextlib
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from agentforge.live import streams
from agentforge.live.log import StreamMissing


def ensure_stream(agent_id: int, owner_id: UUID) -> None:
    """Create the stream of an agent if it has none."""
    name = f"agent-{agent_id}"
    try:
        streams.position(name)
    except StreamMissing:
        # Another process may create it at the same time; then that one is used.
        with contextlib.suppress(IntegrityError), transaction.atomic():
            streams.create_stream(name, owner_id)


def announce(agent_id: int, owner_id: UUID, *records: dict[str, Any]) -> None:
    """Publish records on an agent's stream, in the caller's transaction."""
    try:
        streams.publish(f"agent-{agent_id}", *records)
    except StreamMissing:
        ensure_stream(agent_id, owner_id)
        streams.publish(f"agent-{agent_id}", *records)
