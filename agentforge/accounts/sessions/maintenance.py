"""Delete expired sign-in data."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from agentforge.accounts.models import Ending, FailedAttempts, LocalSession, SignIn
from agentforge.accounts.session_revocation import RETENTION
from agentforge.audit import retention

# Longer than any throttling window.
ATTEMPTS_LIFE = timedelta(days=1)


def prune(dry_run: bool) -> dict[str, int]:
    """Delete expired sessions, sign-ins, attempt counts and revocations, and old audit events.

    Return the number of each; a dry run deletes nothing.
    """
    counts = {name: _prune(rows, dry_run=dry_run) for name, rows in _expired(timezone.now()).items()}
    return {**counts, "audit_events": retention.prune(dry_run=dry_run)}


def _expired(now: datetime) -> dict[str, QuerySet[Any]]:
    # Each request renews expired tokens: if a row's tokens expired a whole session age ago, its session has
    # ended.
    unused = now - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    return {
        "sessions": Session.objects.filter(expire_date__lt=now),
        "sign_ins": SignIn.objects.filter(expires_at__lt=unused),
        "local_sessions": LocalSession.objects.filter(expires_at__lt=now),
        "failed_attempts": FailedAttempts.objects.filter(since__lt=now - ATTEMPTS_LIFE),
        "endings": Ending.objects.filter(ended_at__lt=now - RETENTION),
    }


def _prune(rows: QuerySet[Any], *, dry_run: bool) -> int:
    if dry_run:
        return rows.count()
    with transaction.atomic():
        return rows.delete()[0]
