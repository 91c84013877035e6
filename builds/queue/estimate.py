"""When queued builds will start: from those that run, other work of workers, and how long builds take."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Avg, F
from django.utils import timezone

from agentforge.worker_liveness import any_worker_alive, any_worker_preparing
from builds.models import Build, BuildStatus, BuildTarget

from . import jobs

Wait = tuple[timedelta | None, str]
NOBODY = "no worker runs at the moment"
PREPARING = "a worker is getting ready for it"
BUSY = "the workers are busy with other work"
# The number of builds whose durations are averaged, and the estimate without any.
_RECENT = 20
_USUAL = timedelta(seconds=3)
# Of other work nobody knows how long it takes.
_UNKNOWN = timedelta.max


def waits(owners: Sequence[UUID]) -> list[Wait]:
    """Return for each queued build, given by its owner, how long it waits, or None and the reason."""
    queue = jobs.QUEUES[jobs.COMPILE]
    if not any_worker_alive(queue):
        reason = PREPARING if any_worker_preparing(queue) else NOBODY
        return [(None, reason)] * len(owners)
    running = Build.objects.filter(status=BuildStatus.RUNNING).values_list("owner_id", "started_at")
    return list(_simulated(owners, [(owner, at) for owner, at in running if at is not None]))


def _simulated(owners: Sequence[UUID], running: Sequence[tuple[UUID, datetime]]) -> Iterator[Wait]:
    """Let the queue run on, each build in the slot that becomes free first."""
    most = settings.MOST_RUNNING_BUILDS
    usual = _usual_duration() if running or len(owners) > 1 else timedelta()
    free = _free([at for _, at in running], usual)
    started = Counter(owner for owner, _ in running)
    for owner in owners:
        started[owner] += 1
        if 0 < most < started[owner]:
            yield None, f"your other builds come first, {most} at a time"
        elif free[0] == _UNKNOWN:
            yield None, BUSY
        else:
            yield free[0], ""
            heapq.heapreplace(free, free[0] + usual)


def _free(began: Sequence[datetime], usual: timedelta) -> list[timedelta]:
    """Return a heap of how long it takes until each slot is free."""
    now = timezone.now()
    # Of a build that takes longer than usual nobody knows; the longer it has run, the longer it will.
    free = [max(usual - (now - at), (now - at) / 4) for at in began]
    free += [_UNKNOWN] * (_running_jobs() - len(began))
    free += [timedelta()] * (settings.WORKER_CONCURRENCY - len(free))
    heapq.heapify(free)
    return free


def _running_jobs() -> int:
    """Return how many jobs workers of builds run: verifications, for example, have the same slots."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = %s AND status = 'doing'",
            [jobs.QUEUES[jobs.COMPILE]],
        )
        return int(cursor.fetchone()[0])


def _usual_duration() -> timedelta:
    """Return how long the newest builds took of those that were compiled."""
    compiled = BuildTarget.objects.filter(status=BuildStatus.SUCCEEDED, from_cache=False).order_by("-pk")
    newest = Build.objects.filter(pk__in=compiled.values("build_id")[:_RECENT], finished_at__isnull=False)
    took = newest.aggregate(took=Avg(F("finished_at") - F("started_at")))["took"]
    return took or _USUAL
