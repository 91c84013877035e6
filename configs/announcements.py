"""Publish what happens to an agent on its stream: checks, saves, builds, deployments, the chat.

A page that shows the agent reads its report again when such a record arrives. What the lists and the header
show of it is announced on the stream of its owner's account too, which every page follows.
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
    _ensure(f"agent-{agent_id}", owner_id)


def _ensure(name: str, owner_id: UUID) -> None:
    try:
        streams.position(name)
    except StreamMissing:
        # Another process may create it at the same time; then that one is used.
        with contextlib.suppress(IntegrityError), transaction.atomic():
            streams.create_stream(name, owner_id)


def announce(agent_id: int, owner_id: UUID, *records: dict[str, Any]) -> None:
    """Publish records on an agent's stream, in the caller's transaction."""
    _publish(f"agent-{agent_id}", owner_id, *records)
    if any(_is_shown_elsewhere(record) for record in records):
        announce_account(owner_id)


def _is_shown_elsewhere(record: dict[str, Any]) -> bool:
    # The steps of a check and chats are on the agent's own pages only.
    if record["kind"] == "process":
        return "status" in record
    return record["kind"] not in ("chat", "conversation")


def account_stream(owner_id: UUID) -> str:
    """Return the name of the stream that tells an account's pages to be read again."""
    return f"account-{owner_id}"


def announce_account(owner_id: UUID) -> None:
    """Publish on an account's stream, after the commit, that its pages may show something else.

    After it, because the transactions of several agents would wait for each other at this one stream.
    """
    transaction.on_commit(lambda: _tell(owner_id, "account"), robust=True)


def announce_activity(owner_id: UUID, **signal: object) -> None:
    """Publish the same way that an account's activity has grown, which one page shows."""
    transaction.on_commit(lambda: _tell(owner_id, "activity"), robust=True)


def _tell(owner_id: UUID, kind: str) -> None:
    # The account may be gone by now.
    with contextlib.suppress(StreamMissing):
        _publish(account_stream(owner_id), owner_id, {"kind": kind})


def _publish(name: str, owner_id: UUID, *records: dict[str, Any]) -> None:
    try:
        streams.publish(name, *records)
    except StreamMissing:
        _ensure(name, owner_id)
        streams.publish(name, *records)
