"""Say that bytes are about to be used, so that nobody prunes them; forget those that nobody uses."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from agentforge.tenancy.rls import as_service
from builds.models import StoredFile

# How long bytes stay for whoever said that they use them. Longer than any build, upload or download takes.
LEASE = timedelta(hours=2)

_TAKE = """
INSERT INTO builds_storedfile (sha256, used_at, upload_url)
SELECT sha256, clock_timestamp(), '' FROM unnest(%s::text[]) AS sha256 ORDER BY sha256
ON CONFLICT (sha256) DO UPDATE SET used_at = EXCLUDED.used_at
"""
_KNOW = """
INSERT INTO builds_storedfile (sha256, used_at, upload_url) VALUES (%s, %s, '')
ON CONFLICT (sha256) DO NOTHING
"""
# Waits for whoever takes the bytes at this moment, and then sees that they are used.
_FORGET = """
DELETE FROM builds_storedfile AS file WHERE sha256 = %s AND used_at < %s
AND NOT EXISTS (SELECT FROM builds_artifact WHERE sha256 = file.sha256)
"""


def take(hashes: Iterable[str]) -> None:
    """Say that these bytes are about to be used; only then look whether they are there.

    A prune that was first has removed them when this returns; a later one leaves them.
    """
    wanted = sorted(set(hashes))
    with as_service(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TAKE, [wanted])


def know(sha256: str, used_at: datetime) -> None:
    """Know bytes that were found in the storage; nothing changes where they are known already."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOW, [sha256, used_at])


def forget(sha256: str, *, before: datetime) -> bool:
    """Forget bytes that no build names and nobody used since a time, in the caller's transaction.

    Until that ends nobody else can take them; the caller removes the bytes before.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [sha256, before])
        return bool(cursor.rowcount)


def is_checked(sha256: str) -> bool:
    """Tell whether a shared storage was seen to hold these bytes."""
    return StoredFile.objects.filter(pk=sha256, checked_at__isnull=False).exists()


def note_checked(sha256: str) -> None:
    """Note that a shared storage holds these bytes; an upload of them is over."""
    now = timezone.now()
    StoredFile.objects.update_or_create(
        pk=sha256, defaults={"checked_at": now, "used_at": now, "upload_url": ""}
    )


def begun_upload(sha256: str) -> str:
    """Return where an upload of these bytes was begun, empty if none was."""
    urls = StoredFile.objects.filter(pk=sha256).values_list("upload_url", flat=True)
    return urls.first() or ""


def note_upload(sha256: str, url: str) -> None:
    """Note where an upload of these bytes was begun, so that any worker can go on with it."""
    StoredFile.objects.update_or_create(pk=sha256, defaults={"upload_url": url, "used_at": timezone.now()})
