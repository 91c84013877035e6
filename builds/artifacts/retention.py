"""Expire the files of builds, except pinned ones and those that another app still uses."""

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
from configs.announcements import announce_account

from . import leases, storage

UsageCheck = Callable[[Iterable[int]], Iterable[int]]
_usage_checks: list[UsageCheck] = []


def register_usage_check(check: UsageCheck) -> UsageCheck:
    """Let another app keep builds: `check(pks)` returns which of these builds it still uses.

    It is called while the builds are locked, so that its answer holds until they are gone.
    """
    _usage_checks.append(check)
    return check


def builds_in_use(pks: Iterable[int]) -> set[int]:
    """Return which of these builds another app still uses."""
    keys = list(pks)
    return {pk for check in _usage_checks for pk in check(keys)}


def expiry(finished_at: datetime) -> datetime | None:
    """Return when the files of a build that finished at this time expire; None for never."""
    return finished_at + timedelta(days=settings.ARTIFACT_DAYS) if settings.ARTIFACT_DAYS else None


def pin(build: Build, by: User) -> None:
    """Keep a build's files until they are unpinned.

    Raises NotPossible when they have been removed.
    """
    _pin(build, by, pinned=True)


def unpin(build: Build, by: User) -> None:
    """Let a build's files expire, at the earliest after the usual time from now."""
    _pin(build, by, pinned=False)


def _pin(build: Build, by: User, *, pinned: bool) -> None:
    with transaction.atomic(), as_service():
        current: Build = Build.objects.select_for_update().get(pk=build.pk)
        if current.expired_at is not None:
            raise NotPossible("The files of this build were removed. Build it again to get the same bytes.")
        if current.pinned != pinned:
            current.pinned = pinned
            if not pinned and current.finished_at is not None:
                current.expires_at = expiry(timezone.now())
            current.save(update_fields=["pinned", "expires_at"])
            action = Action.BUILD_PINNED if pinned else Action.BUILD_UNPINNED
            record(action, owner=current.owner_id, actor=by, subject=current)
            announce_account(current.owner_id)
    build.pinned, build.expires_at = current.pinned, current.expires_at


@dataclass(frozen=True)
class RemovedFiles:
    """What expiring a build removed: its rows, and the files and bytes that no other build shares."""

    build: int
    rows: int
    files: int
    bytes: int


def expired(at: datetime) -> QuerySet[Build]:
    """Return the builds due to expire, without pinned ones; some may still be in use."""
    return _expirable().filter(expires_at__lt=at).order_by("expires_at", "pk")


def _expirable() -> QuerySet[Build]:
    return Build.objects.filter(expired_at=None, pinned=False, finished_at__isnull=False)


def expire(pk: int, at: datetime, *, unused_since: datetime, force: bool = False) -> RemovedFiles | None:
    """Remove the files of one build, rows and bytes together; return None when it must be kept.

    Bytes that other builds share or that were leased after `unused_since` stay in the storage. `force`, for
    operators, ignores when the build expires.
    """
    with transaction.atomic():
        files = release(pk, at, force=force)
        if files is None:
            return None
        sizes = {file.sha256: file.size for file in files}
        removed = list(_delete_unused(sorted(sizes), before=unused_since))
    return RemovedFiles(pk, len(files), len(removed), sum(sizes[sha256] for sha256 in removed))


def release(pk: int, at: datetime, *, force: bool = False) -> list[Artifact] | None:
    """Remove the rows of a build's files, and return them; None when it must be kept.

    Their bytes stay until `remove_released`, or until they are pruned.
    """
    with transaction.atomic():
        builds = _expirable().filter(pk=pk)
        builds = builds if force else builds.filter(expires_at__lt=at)
        build = builds.select_for_update(skip_locked=True).first()
        if build is None or builds_in_use([pk]):
            return None
        files = list(build.artifacts.all())
        build.expired_files = {file.path: {"sha256": file.sha256, "size": file.size} for file in files}
        build.expired_at = at
        build.save(update_fields=["expired_files", "expired_at"])
        Artifact.objects.filter(build=build).delete()
        announce_account(build.owner_id)
    return files


def remove_released(pk: int) -> None:
    """Delete the bytes that a build has released, except those that others refer to or use.

    A remote storage takes its time, and a connection and locks are held meanwhile: not for requests.
    """
    files = Build.objects.filter(pk=pk, expired_at__isnull=False).values_list("expired_files", flat=True)
    hashes = {file["sha256"] for each in files for file in (each or {}).values()}
    before = timezone.now() - leases.LEASE
    with transaction.atomic():
        storage.delete(*[sha for sha in sorted(hashes) if leases.delete_unused(sha, before=before)])


def _delete_unused(hashes: Iterable[str], *, before: datetime) -> Iterator[str]:
    """Delete the bytes that nobody refers to or uses, each with its row, and yield their hashes."""
    for sha256 in hashes:
        if leases.delete_unused(sha256, before=before):
            storage.delete(sha256)
            yield sha256
