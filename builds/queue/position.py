"""Positions and start times of queued builds, published on their logs when the queue moves."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma, ordinal
from django.db import transaction
from django.db.models import Avg, F
from django.utils import timezone

from agentforge.live import streams
from agentforge.live.log import StreamClosed, StreamMissing
from agentforge.tenancy.rls import as_service
from agentforge.worker_liveness import any_worker_alive, any_worker_preparing
from builds.models import Build, BuildStatus

from . import jobs

# Every move is published up to this position, and further back only every tenth position.
ALWAYS_PUBLISHED = 20
PUBLISHED_EVERY = 10
# Builds further back have no position.
MOST_PLACES = 1000
# The number of builds whose durations are averaged, and the estimate without any.
_RECENT = 20
_USUAL = timedelta(seconds=3)


@dataclass(frozen=True)
class Place:
    """A build's position in the queue, from 1, and its expected wait (None: no worker runs)."""

    position: int
    wait: timedelta | None
    is_prepared_for: bool = False

    @property
    def words(self) -> str:
        """Return it as text, such as "3rd in the queue, starts in about 20 s"."""
        number = intcomma(ordinal(self.position))
        place = "Next in the queue" if self.position == 1 else f"{number} in the queue"
        if self.is_prepared_for:
            return f"{place}; a worker is getting ready for it"
        if self.wait is None:
            return f"{place}; no worker runs at the moment"
        return f"{place}, starts {about(self.wait)}"

    def as_json(self) -> dict[str, object]:
        """Return the JSON of a queued build; `starts_in` is in seconds."""
        seconds = None if self.wait is None else round(self.wait.total_seconds(), 1)
        return {"position": self.position, "starts_in": seconds}


def about(wait: timedelta) -> str:
    """Return a wait as text, rounded to the precision of the estimate."""
    seconds = wait.total_seconds()
    if seconds < 2:
        return "in a moment"
    if seconds < 100:
        return f"in about {round(seconds) if seconds < 20 else round(seconds, -1):.0f} s"
    return f"in about {round(seconds / 60)} minutes"


def places(builds: Iterable[Build]) -> dict[int, Place]:
    """Return the places of the queued ones of these builds, by primary key."""
    queued = {build.pk for build in builds if build.status == BuildStatus.QUEUED}
    return {pk: place for pk, place in _queue().items() if pk in queued} if queued else {}


def place_of(build: Build) -> Place | None:
    """Return a build's place; None if it is not queued or too far back."""
    return places([build]).get(build.pk)


def publish_positions() -> int:
    """Publish the places of the first builds on their logs; return the number of logs."""
    published = 0
    for pk, place in _queue().items():
        if place.position > ALWAYS_PUBLISHED and place.position % PUBLISHED_EVERY:
            continue
        record = {"kind": "queue", "words": place.words, **place.as_json()}
        with contextlib.suppress(StreamMissing, StreamClosed):
            streams.publish(f"build-{pk}", record)
            published += 1
    return published


def publish_later() -> None:
    """Let a worker publish the new positions after this transaction is committed."""
    transaction.on_commit(_enqueue_publication)


def publish_joined() -> None:
    """Do so for a build that was added, unless it starts at once: what its page said first is true then."""
    transaction.on_commit(lambda: None if _starts_at_once() else _enqueue_publication())


def _enqueue_publication() -> None:
    with as_service():
        if Build.objects.filter(status=BuildStatus.QUEUED).exists():
            jobs.defer_once(jobs.PUBLISH_POSITIONS)


def _starts_at_once() -> bool:
    """Return whether no more than one build is queued, and a worker has room for it."""
    with as_service():
        running = Build.objects.filter(status=BuildStatus.RUNNING)
        return (
            Build.objects.filter(status=BuildStatus.QUEUED).values("pk")[:2].count() < 2
            and running.count() < settings.WORKER_CONCURRENCY
            and any_worker_alive(jobs.QUEUES[jobs.COMPILE])
        )


def _queue() -> dict[int, Place]:
    """Return the places of the queued builds by primary key, the next one first."""
    with as_service():
        queued = Build.objects.filter(status=BuildStatus.QUEUED).order_by("turn", "pk")
        keys = list(queued.values_list("pk", flat=True)[:MOST_PLACES])
        waits = _waits(len(keys)) if keys else []
        preparing = None in waits and any_worker_preparing(jobs.QUEUES[jobs.COMPILE])
    return {
        pk: Place(at, wait, preparing) for at, (pk, wait) in enumerate(zip(keys, waits, strict=True), start=1)
    }


def _waits(count: int) -> list[timedelta | None]:
    """Estimate the waits of the next `count` builds from running builds and recent durations."""
    running = list(Build.objects.filter(status=BuildStatus.RUNNING).values_list("started_at", flat=True))
    if not any_worker_alive(jobs.QUEUES[jobs.COMPILE]):
        return [None] * count
    usual, now = _usual_duration(), timezone.now()
    slots = max(len(running), settings.WORKER_CONCURRENCY)
    free = [max(usual - (now - started), usual / 10) for started in running if started is not None]
    free += [timedelta()] * (slots - len(free))
    heapq.heapify(free)
    waits: list[timedelta | None] = []
    for _ in range(count):
        waits.append(free[0])
        heapq.heapreplace(free, free[0] + usual)
    return waits


def _usual_duration() -> timedelta:
    newest = Build.objects.filter(status=BuildStatus.SUCCEEDED).order_by("-pk").values("pk")[:_RECENT]
    took = Build.objects.filter(pk__in=newest).aggregate(took=Avg(F("finished_at") - F("started_at")))["took"]
    return took or _USUAL
