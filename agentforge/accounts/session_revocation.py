"""Revoke sessions at once: sign-outs are stored for as long as an access token could outlive them.

Access tokens are verified locally, without asking the identity service, so it can't revoke them itself.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

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


def has_ended(claims: dict[str, Any]) -> bool:
    """Return whether verified claims belong to a session that was signed out here."""
    of_user = f"user {claims['sub']}"
    endings = Ending.objects.filter(subject__in=[f"session {claims['session_id']}", of_user])
    issued = datetime.fromtimestamp(claims["iat"], UTC)
    # `iat` is in whole seconds: a sign-in right after the revocation must not look older than it.
    return any(row.subject != of_user or issued < row.ended_at.replace(microsecond=0) for row in endings)


def _revoke(subject: str) -> None:
    now = timezone.now()
    Ending.objects.filter(ended_at__lt=now - RETENTION).delete()
    Ending.objects.update_or_create(subject=subject, defaults={"ended_at": now})
