"""Publish what happens to builds on their agent's stream."""

from __future__ import annotations

from uuid import UUID

from configs.announcements import announce


def announce_build(agent_id: int, owner_id: UUID, build_id: int, status: str) -> None:
    announce(agent_id, owner_id, {"kind": "build", "build": build_id, "status": status})
