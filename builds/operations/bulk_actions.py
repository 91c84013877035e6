"""Operators' actions on many builds; each is audited and returns the number of builds it changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db import transaction
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from builds.artifacts import retention
from builds.artifacts.storage import shared_storage
from builds.errors import NotPossible
from builds.models import Build, BuildStatus
from builds.queue import jobs
from builds.services import cancel_build, retry_build
from configs.models import AgentInTrash


def rebuild(builds: Iterable[Build], by: User) -> int:
    """Build the succeeded ones again, for their owners."""
    return _each(builds, lambda build: retry_build(build, by), BuildStatus.SUCCEEDED)


def retry(builds: Iterable[Build], by: User) -> int:
    """Build the failed and cancelled ones again."""
    return _each(builds, lambda build: retry_build(build, by), BuildStatus.FAILED, BuildStatus.CANCELLED)


def cancel(builds: Iterable[Build], by: User) -> int:
    return _each(builds, lambda build: cancel_build(build, by), BuildStatus.QUEUED, BuildStatus.RUNNING)


def pin(builds: Iterable[Build], by: User) -> int:
    """Keep the files until they are unpinned."""
    return _each((build for build in builds if not build.pinned), lambda build: retention.pin(build, by))


def unpin(builds: Iterable[Build], by: User) -> int:
    """Let the files expire."""
    return _each((build for build in builds if build.pinned), lambda build: retention.unpin(build, by))


def expire(builds: Iterable[Build], by: User) -> int:
    """Remove the files before they expire, except pinned ones and those in use.

    Nobody can use them any more; a worker deletes the bytes in a remote storage.
    """
    return _each(builds, lambda build: _expire(build, by))


def prefer(builds: Iterable[Build], builder: str, by: User) -> int:
    """Set the preferred builder of queued builds; an empty name means any."""

    def change(build: Build) -> None:
        queued = Build.objects.filter(pk=build.pk, status=BuildStatus.QUEUED)
        if not queued.exclude(wanted_builder=builder).update(wanted_builder=builder):
            raise NotPossible("It is no longer queued, or prefers that builder already.")

    return _each(builds, change, BuildStatus.QUEUED)


def _expire(build: Build, by: User) -> None:
    with transaction.atomic():
        files = retention.release(build.pk, timezone.now(), force=True)
        if files is None:
            raise NotPossible("It is pinned, in use or unfinished, or its files were removed already.")
        record(Action.BUILD_EXPIRED, owner=build.owner_id, actor=by, subject=build, files=len(files))
        if shared_storage() is None:
            retention.remove_released(build.pk)
        else:
            jobs.defer(jobs.REMOVE_FILES, build_id=build.pk)


def _each(builds: Iterable[Build], change: Callable[[Build], object], *statuses: BuildStatus) -> int:
    """Apply a change to builds with one of these statuses (default: any) and count where it was possible."""
    changed = 0
    for build in builds:
        if statuses and build.status not in statuses:
            continue
        try:
            change(build)
        except (NotPossible, AgentInTrash):
            continue
        changed += 1
    return changed
