"""Order the builds that wait, fairly between their owners, and hold each owner to the limits.

Start-time fair queueing (Goyal, Vin and Cheng, 1996), every build of the same weight: a build's turn lies
one behind the later of its owner's newest turn and the turn that the workers have come to. Whoever asks for
a hundred builds so has a hundred turns in a row, and everybody else's next build comes before most of them.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from agentforge.tenancy.rls import as_service
from builds.errors import NotPossible
from builds.models import Build, BuildStatus

from . import jobs

# A build that its owner's running ones leave no room for is called when one of them ends; were that call lost
# with its process, it comes by itself after this time.
DEFERRED_FOR = timedelta(minutes=1)

_DEFERRED = """
SELECT build.id, build.job_id, build.turn FROM builds_build AS build
JOIN procrastinate_jobs AS job ON job.id = build.job_id
WHERE build.owner_id = %s AND build.status = 'queued' AND job.status = 'todo' AND job.scheduled_at > now()
ORDER BY build.turn, build.id LIMIT 1
FOR UPDATE OF build, job SKIP LOCKED
"""


class QueueFull(NotPossible):
    """Refuse a build to somebody who has as many waiting as allowed."""


def next_turn(owner_id: UUID) -> int:
    """Return the turn of an owner's next build; others of that owner wait until the transaction ends."""
    with as_service():
        lock(owner_id)
        # A number that no job has is a row that a user made: the forge gave no turn to it.
        known = Build.objects.filter(job_id__isnull=False).order_by("-turn").values_list("turn", flat=True)
        reached = known.filter(started_at__isnull=False).first() or 0
        own = known.filter(owner_id=owner_id).first() or 0
    return max(reached, own) + 1


def refuse_more_than_allowed(owner_id: UUID) -> None:
    """Raise QueueFull when an owner's waiting builds are as many as allowed."""
    most = settings.MOST_QUEUED_BUILDS
    if most <= 0:
        return
    lock(owner_id)
    waiting = Build.objects.filter(owner_id=owner_id, status=BuildStatus.QUEUED).count()
    if waiting >= most:
        raise QueueFull(
            f"You have {waiting} builds waiting, the most that one person may have. Nothing was started. "
            "Cancel some of them, or ask again when some have begun."
        )


def defer_over_limit(build_id: int, job_id: int) -> bool:
    """Put a waiting build of this job back when its owner's running builds are as many as allowed.

    The worker's slot is free again at once. To be called in a transaction, before the build's row is locked.
    """
    most = settings.MOST_RUNNING_BUILDS
    if most <= 0:
        return False
    build = Build.objects.filter(pk=build_id, job_id=job_id, status=BuildStatus.QUEUED).first()
    if build is None:
        return False
    lock(build.owner_id)
    if Build.objects.filter(owner_id=build.owner_id, status=BuildStatus.RUNNING).count() < most:
        return False
    later = jobs.defer_build(build_id, build.turn, at=timezone.now() + DEFERRED_FOR)
    return bool(
        Build.objects.filter(pk=build_id, job_id=job_id, status=BuildStatus.QUEUED).update(job_id=later)
    )


def promote_next(owner_id: UUID) -> None:
    """Let the next parked build of an owner begin, now that there may be room for it."""
    if settings.MOST_RUNNING_BUILDS <= 0:
        return
    with transaction.atomic(), as_service():
        lock(owner_id)
        with connection.cursor() as cursor:
            cursor.execute(_DEFERRED, [owner_id])
            row = cursor.fetchone()
        if row is None:
            return
        build_id, parked, turn = row
        jobs.withdraw(parked)
        Build.objects.filter(pk=build_id).update(job_id=jobs.defer_build(build_id, turn))


def lock(owner_id: UUID) -> None:
    """Let one transaction at a time order an owner's builds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"builds of {owner_id}"])
