"""Prune old events from the log, through the only function that the database allows to."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from .actions import Action
from .log import record
from .models import AuditEvent

# Enforced by the database, whatever the setting.
MIN_DAYS = 30


def prune(*, dry_run: bool) -> int:
    """Delete the events older than AUDIT_KEEP_DAYS, log and return their number.

    0 keeps them forever. Raises ValueError for fewer days than MIN_DAYS.
    """
    days: int = settings.AUDIT_KEEP_DAYS
    if days <= 0:
        return 0
    if days < MIN_DAYS:
        raise ValueError(f"AUDIT_KEEP_DAYS is {days}: it must be 0 or at least {MIN_DAYS}.")
    before = timezone.now() - timedelta(days=days)
    if dry_run:
        return AuditEvent.objects.filter(created_at__lt=before).count()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT audit_prune(%s)", [before])
        deleted = int(cursor.fetchone()[0])
        if deleted:
            record(Action.LOG_PRUNED, owner=None, events=deleted, before=before.date().isoformat())
    return deleted
