"""Revoke sessions at once: sign-outs are stored for as long as an access token could outlive them.

Access tokens are verified locally, without asking the identity service, so it can't revoke them itself.
A revocation of all sessions ends what seems to be older, except for the sessions that it spares.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from agentforge.accounts.models import Ending, SignIn

# No access token lives longer: Supabase's limit is a week.
RETENTION = timedelta(days=7)


def end_session(session_id: UUID) -> None:
    """Revoke one session's access tokens."""
    _revoke(f"session {session_id}")


def end_sessions_of(user_id: UUID) -> None:
    """Revoke all of a user's sessions that began before now."""
    SignIn.objects.filter(user_id=user_id).delete()
    _revoke(f"user {user_id}")


def end_other_sessions_of(user_id: UUID, *, spared: UUID) -> None:
    """Revoke the access tokens of all of a user's sessions that began before now, but of one."""
    _revoke(f"user {user_id}", spared=[spared])


@transaction.atomic
def spare(claims: dict[str, Any]) -> None:
    """Let a session that begins now go on after a revocation of its user's sessions.

    `iat` is in whole seconds, by another clock: the session may seem to be older than the revocation.
    """
    for row in Ending.objects.select_for_update().filter(subject=f"user {claims['sub']}"):
        if _precedes(claims, row.ended_at):
            row.spared = [*(row.spared or []), UUID(claims["session_id"])]
            row.save(update_fields=["spared"])


def has_ended(claims: dict[str, Any]) -> bool:
    """Return whether verified claims belong to a session that was signed out here."""
    of_user = f"user {claims['sub']}"
    endings = Ending.objects.filter(subject__in=[f"session {claims['session_id']}", of_user])
    session_id = UUID(claims["session_id"])
    return any(
        row.subject != of_user or (_precedes(claims, row.ended_at) and session_id not in (row.spared or []))
        for row in endings
    )


def _precedes(claims: dict[str, Any], moment: datetime) -> bool:
    return datetime.fromtimestamp(claims["iat"], UTC) <= moment


def _revoke(subject: str, *, spared: list[UUID] | None = None) -> None:
    now = timezone.now()
    Ending.objects.filter(ended_at__lt=now - RETENTION).delete()
    Ending.objects.update_or_create(subject=subject, defaults={"ended_at": now, "spared": spared})
