"""Remember sign-outs for as long as an access token could outlive them.

The identity service's tokens are verified without asking it; so this is what ends them at once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from .models import Ending, SignIn

# No access token lives longer: Supabase's limit is a week.
RETENTION = timedelta(days=7)


def end_session(session_id: UUID) -> None:
    """End one session's access tokens."""
    _revoke(f"session {session_id}")


def end_sessions_of(user_id: UUID) -> None:
    """End all sessions of a person that began before now."""
    SignIn.objects.filter(user_id=user_id).delete()
    _revoke(f"user {user_id}")


def has_ended(claims: dict[str, Any]) -> bool:
    """Tell whether verified claims belong to a session that was signed out here."""
    of_user = f"user {claims['sub']}"
    known = Ending.objects.filter(subject__in=[f"session {claims['session_id']}", of_user])
    issued = datetime.fromtimestamp(claims["iat"], UTC)
    # A token's time is in whole seconds: one of a sign-in right after the ending must not look older.
    return any(one.subject != of_user or issued < one.ended_at.replace(microsecond=0) for one in known)


def _revoke(subject: str) -> None:
    now = timezone.now()
    Ending.objects.filter(ended_at__lt=now - RETENTION).delete()
    Ending.objects.update_or_create(subject=subject, defaults={"ended_at": now})
