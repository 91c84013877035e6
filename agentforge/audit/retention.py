"""Let old events leave the log, by the one way that the database leaves open."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from .actions import Action
from .log import record
from .models import AuditEvent

# Younger events stay, whatever is set: the database sees to that.
LEAST_DAYS = 30


def prune(*, dry_run: bool) -> int:
    """Delete the events older than AUDIT_KEEP_DAYS, and log how many; return their number.

    0 keeps them for ever. Raises ValueError for fewer days than LEAST_DAYS.
    """
    days: int = settings.AUDIT_KEEP_DAYS
    if days <= 0:
        return 0
    if days < LEAST_DAYS:
        raise ValueError(f"AUDIT_KEEP_DAYS is {days}: it must be 0 or at least {LEAST_DAYS}.")
    before = timezone.now() - timedelta(days=days)
    if dry_run:
        return AuditEvent.objects.filter(created_at__lt=before).count()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT audit_prune(%s)", [before])
        taken = int(cursor.fetchone()[0])
        if taken:
            record(Action.LOG_PRUNED, owner=None, events=taken, before=before.date().isoformat())
    return taken
