"""Lease stored bytes before using them, so that pruning leaves them alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from agentforge.tenancy.rls import as_service
from builds.models import StoredFile

# Longer than any build, upload or download takes.
LEASE = timedelta(hours=2)

_ACQUIRE = """
INSERT INTO builds_storedfile (sha256, used_at, upload_url)
SELECT sha256, clock_timestamp(), '' FROM unnest(%s::text[]) AS sha256 ORDER BY sha256
ON CONFLICT (sha256) DO UPDATE SET used_at = EXCLUDED.used_at
"""
_ADD_KNOWN = """
INSERT INTO builds_storedfile (sha256, used_at, upload_url) VALUES (%s, %s, '')
ON CONFLICT (sha256) DO NOTHING
"""
# Blocks on a concurrent lease of the same bytes, and then sees its used_at.
_DELETE_UNUSED = """
DELETE FROM builds_storedfile AS file WHERE sha256 = %s AND used_at < %s
AND NOT EXISTS (SELECT FROM builds_artifact WHERE sha256 = file.sha256)
"""


def acquire(hashes: Iterable[str]) -> None:
    """Lease these bytes; check only afterwards whether they exist.

    An earlier prune has removed them by the time this returns; a later one skips them.
    """
    with as_service(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ACQUIRE, [sorted(set(hashes))])


def add_known(sha256: str, used_at: datetime) -> None:
    """Record bytes found in the storage, unless they have a row already."""
    with connection.cursor() as cursor:
        cursor.execute(_ADD_KNOWN, [sha256, used_at])


def delete_unused(sha256: str, *, before: datetime) -> bool:
    """Delete the row of bytes that no build refers to and nobody leased since `before`; return if it did.

    Until the caller's transaction ends nobody else can lease them; remove the bytes within it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_UNUSED, [sha256, before])
        return bool(cursor.rowcount)


def is_checked(sha256: str) -> bool:
    """Return whether the shared storage is known to hold these bytes."""
    return StoredFile.objects.filter(pk=sha256, checked_at__isnull=False).exists()


def mark_checked(sha256: str) -> None:
    """Record that the shared storage holds these bytes and that their upload is complete."""
    now = timezone.now()
    StoredFile.objects.update_or_create(
        pk=sha256, defaults={"checked_at": now, "used_at": now, "upload_url": ""}
    )


def upload_url(sha256: str) -> str:
    """Return the URL of an unfinished upload of these bytes, or an empty string."""
    urls = StoredFile.objects.filter(pk=sha256).values_list("upload_url", flat=True)
    return urls.first() or ""


def save_upload_url(sha256: str, url: str) -> None:
    """Record the URL of an upload, so that any worker can resume it."""
    StoredFile.objects.update_or_create(pk=sha256, defaults={"upload_url": url, "used_at": timezone.now()})
