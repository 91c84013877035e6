"""What operators do with people's builds; each returns for how many it was done, and is logged."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db import transaction
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from builds.artifacts import retention
from builds.artifacts.leases import LEASE
from builds.errors import NotPossible
from builds.models import Build, BuildStatus
from builds.services import cancel_build, retry_build


def rebuild(builds: Iterable[Build], by: User) -> int:
    """Build again what succeeded; the builds belong to the owners."""
    return _each(builds, lambda build: retry_build(build, by), BuildStatus.SUCCEEDED)


def retry(builds: Iterable[Build], by: User) -> int:
    """Build again what failed or was cancelled."""
    return _each(builds, lambda build: retry_build(build, by), BuildStatus.FAILED, BuildStatus.CANCELLED)


def cancel(builds: Iterable[Build], by: User) -> int:
    """Cancel what waits, and stop what runs."""
    return _each(builds, lambda build: cancel_build(build, by), BuildStatus.QUEUED, BuildStatus.RUNNING)


def pin(builds: Iterable[Build], by: User) -> int:
    """Keep files until they are unpinned."""
    return _each((build for build in builds if not build.pinned), lambda build: retention.pin(build, by))


def unpin(builds: Iterable[Build], by: User) -> int:
    """Let files go when their time is over."""
    return _each((build for build in builds if build.pinned), lambda build: retention.unpin(build, by))


def expire(builds: Iterable[Build], by: User) -> int:
    """Remove files before their time is over, but for pinned ones and those in use."""
    return _each(builds, lambda build: _expire(build, by))


def prefer(builds: Iterable[Build], builder: str, by: User) -> int:
    """Let waiting builds be made by one builder, where that is possible; empty: by any."""

    def change(build: Build) -> None:
        waiting = Build.objects.filter(pk=build.pk, status=BuildStatus.QUEUED)
        if not waiting.exclude(wanted_builder=builder).update(wanted_builder=builder):
            raise NotPossible("It does not wait any more, or waits for that builder already.")

    return _each(builds, change, BuildStatus.QUEUED)


def _expire(build: Build, by: User) -> None:
    now = timezone.now()
    with transaction.atomic():
        gone = retention.expire(build.pk, now, unused_since=now - LEASE, anyway=True)
        if gone is None:
            raise NotPossible("It is pinned, in use, not over, or has no files any more.")
        record(Action.BUILD_EXPIRED, owner=build.owner_id, actor=by, subject=build, files=gone.rows)


def _each(builds: Iterable[Build], change: Callable[[Build], object], *statuses: BuildStatus) -> int:
    """Count the builds that a change was possible for; those in no such status are left alone."""
    done = 0
    for build in builds:
        if statuses and build.status not in statuses:
            continue
        try:
            change(build)
        except NotPossible:
            continue
        done += 1
    return done
