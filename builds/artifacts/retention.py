"""Decide how long the files of a build are kept, and let them go when nobody needs them any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.tenancy.rls import as_service
from builds.errors import NotPossible
from builds.models import Artifact, Build

from . import leases, storage

InUse = Callable[[Iterable[int]], Iterable[int]]
_in_use: list[InUse] = []


def register_in_use(of: InUse) -> InUse:
    """Let another room keep builds: `of(pks)` returns those of these builds that it still needs.

    It is asked while each of these builds is locked, so that what it answers stays true until they are gone.
    """
    _in_use.append(of)
    return of


def in_use(pks: Iterable[int]) -> set[int]:
    """Return those of these builds that some room still needs."""
    asked = list(pks)
    return {pk for of in _in_use for pk in of(asked)}


def expiry(finished_at: datetime) -> datetime | None:
    """Return when the files of a build that ended then may go; None for never."""
    return finished_at + timedelta(days=settings.ARTIFACT_DAYS) if settings.ARTIFACT_DAYS else None


def pin(build: Build, by: User) -> None:
    """Keep a build's files until they are unpinned.

    Raises NotPossible when they are gone.
    """
    _pin(build, by, pinned=True)


def unpin(build: Build, by: User) -> None:
    """Let a build's files go when their time is over, the usual one from now on at the earliest."""
    _pin(build, by, pinned=False)


def _pin(build: Build, by: User, *, pinned: bool) -> None:
    with transaction.atomic(), as_service():
        current: Build = Build.objects.select_for_update().get(pk=build.pk)
        if current.expired_at is not None:
            raise NotPossible("The files of this build are gone. Build it again: it gives the same bytes.")
        if current.pinned != pinned:
            current.pinned = pinned
            if not pinned and current.finished_at is not None:
                current.expires_at = expiry(timezone.now())
            current.save(update_fields=["pinned", "expires_at"])
            action = Action.BUILD_PINNED if pinned else Action.BUILD_UNPINNED
            record(action, owner=current.owner_id, actor=by, subject=current)
    build.pinned, build.expires_at = current.pinned, current.expires_at


@dataclass(frozen=True)
class Expired:
    """Count what went with one build: rows, and those files and bytes that no other build shares."""

    build: int
    rows: int
    files: int
    bytes: int


def expired(at: datetime) -> QuerySet[Build]:
    """Return the builds whose time is over, but for pinned ones; some may still be in use."""
    waiting = Build.objects.filter(
        expires_at__lt=at, expired_at=None, pinned=False, finished_at__isnull=False
    )
    return waiting.order_by("expires_at", "pk")


def expire(pk: int, at: datetime, *, unused_since: datetime, anyway: bool = False) -> Expired | None:
    """Remove the files of one build, rows and bytes together; None when it must be kept.

    What others share or used after `unused_since` stays in the storage. `anyway`: an operator asked for it,
    so the time need not be over.
    """
    with transaction.atomic():
        over = Build.objects.filter(pk=pk, expired_at=None, pinned=False, finished_at__isnull=False)
        over = over if anyway else over.filter(expires_at__lt=at)
        build = over.select_for_update(skip_locked=True).first()
        if build is None or in_use([pk]):
            return None
        files = list(build.artifacts.all())
        build.expired_files = {file.path: {"sha256": file.sha256, "size": file.size} for file in files}
        build.expired_at = at
        build.save(update_fields=["expired_files", "expired_at"])
        Artifact.objects.filter(build=build).delete()
        sizes = {file.sha256: file.size for file in files}
        gone = list(_forgotten(sorted(sizes), before=unused_since))
    return Expired(pk, len(files), len(gone), sum(sizes[sha256] for sha256 in gone))


def _forgotten(hashes: Iterable[str], *, before: datetime) -> Iterator[str]:
    """Remove those bytes that nobody names or uses, each with its row, and yield their hashes."""
    for sha256 in hashes:
        if leases.forget(sha256, before=before):
            storage.delete(sha256)
            yield sha256
