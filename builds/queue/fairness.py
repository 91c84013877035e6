"""Order queued builds fairly between owners, and enforce each owner's limits.

Start-time fair queueing (Goyal, Vin and Cheng, 1996) with equal weights: a build's turn is one more than the
later of its owner's newest turn and the turn that the workers have reached. An owner with a hundred builds
has a hundred consecutive turns, so the next build of any other owner comes before most of them.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.tenancy.rls import as_service
from builds.errors import NotPossible
from builds.models import Build, BuildStatus

from . import jobs

# A build over its owner's limit is promoted when a running one finishes. If that promotion is lost with its
# process, the build starts after this time.
DEFERRED_FOR = timedelta(minutes=1)

_DEFERRED = """
SELECT build.id, build.job_id, build.turn FROM builds_build AS build
JOIN procrastinate_jobs AS job ON job.id = build.job_id
WHERE build.owner_id = %s AND build.status = 'queued' AND job.status = 'todo' AND job.scheduled_at > now()
ORDER BY build.turn, build.id LIMIT 1
FOR UPDATE OF build, job SKIP LOCKED
"""


class QueueFull(NotPossible):
    """The owner already has as many queued builds as allowed."""


def next_turn(owner_id: UUID) -> int:
    """Return the turn of an owner's next build, and lock the owner's queue until the transaction ends."""
    with as_service():
        lock(owner_id)
        mine = _sharing_turns_with(owner_id)
        enqueued = Build.objects.filter(job_id__isnull=False).order_by("-turn").values_list("turn", flat=True)
        reached = enqueued.filter(started_at__isnull=False).first() or 0
        own = enqueued.filter(mine).first() or 0
    return max(reached, own) + 1


def _sharing_turns_with(owner_id: UUID) -> Q:
    # All guests take turns as one owner: a crowd of them holds up nobody who has an account.
    if User.objects.filter(pk=owner_id, guest_until__isnull=False).exists():
        return Q(owner__guest_until__isnull=False)
    return Q(owner_id=owner_id)


def refuse_more_than_allowed(owner_id: UUID) -> None:
    """Raise QueueFull if an owner has as many queued builds as allowed."""
    limit = settings.MOST_QUEUED_BUILDS
    if limit <= 0:
        return
    lock(owner_id)
    queued = Build.objects.filter(owner_id=owner_id, status=BuildStatus.QUEUED).count()
    if queued >= limit:
        raise QueueFull(
            f"You have {queued} builds waiting, which is the limit per user. Nothing was started. "
            "Cancel some of them, or try again when some have started."
        )


def defer_over_limit(build: Build) -> bool:
    """Defer the job of a queued build if its owner has as many running builds as allowed.

    The worker is then free for another job. Call it in a transaction, before the build's row is locked.
    """
    limit = settings.MOST_RUNNING_BUILDS
    if limit <= 0:
        return False
    lock(build.owner_id)
    if Build.objects.filter(owner_id=build.owner_id, status=BuildStatus.RUNNING).count() < limit:
        return False
    mine = Build.objects.filter(pk=build.pk, job_id=build.job_id, status=BuildStatus.QUEUED)
    return bool(mine.update(job_id=jobs.defer_build(build.pk, build.turn, at=timezone.now() + DEFERRED_FOR)))


def promote_next(owner_id: UUID) -> None:
    """Release the owner's next deferred build, now that a running one has finished."""
    if settings.MOST_RUNNING_BUILDS <= 0:
        return
    with transaction.atomic(), as_service():
        lock(owner_id)
        with connection.cursor() as cursor:
            cursor.execute(_DEFERRED, [owner_id])
            row = cursor.fetchone()
        if row is None:
            return
        build_id, deferred, turn = row
        jobs.withdraw(deferred)
        Build.objects.filter(pk=build_id).update(job_id=jobs.defer_build(build_id, turn))


def lock(owner_id: UUID) -> None:
    """Take the lock on an owner's queue for this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"builds of {owner_id}"])
