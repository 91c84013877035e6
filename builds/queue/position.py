"""Say where a waiting build stands in the queue and when it will start, and tell its log when it moves."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Avg, F
from django.utils import timezone

from agentforge.live import streams
from agentforge.live.log import StreamClosed, StreamMissing
from agentforge.tenancy.rls import as_service
from agentforge.worker_liveness import any_worker_alive
from builds.models import Build, BuildStatus

from . import jobs

# The queue's front is told of every move, what stands further back of every tenth place.
ALWAYS_PUBLISHED = 20
PUBLISHED_EVERY = 10
# Who stands further back is told no place.
MOST_PLACES = 1000
# Builds whose durations are averaged.
_RECENT = 20
_USUAL = timedelta(seconds=3)


@dataclass(frozen=True)
class Place:
    """Hold a build's place in the queue, from 1, and how long it will wait (None: no worker runs)."""

    position: int
    wait: timedelta | None

    @property
    def words(self) -> str:
        """Say it for people: "3rd in the queue, starts in about 20 s"."""
        place = "Next in the queue" if self.position == 1 else f"{ordinal(self.position)} in the queue"
        if self.wait is None:
            return f"{place}; no worker runs at the moment"
        return f"{place}, starts {about(self.wait)}"

    def as_json(self) -> dict[str, object]:
        """Return what scripts learn of it; `starts_in` in seconds."""
        seconds = None if self.wait is None else round(self.wait.total_seconds(), 1)
        return {"position": self.position, "starts_in": seconds}


def ordinal(number: int) -> str:
    """Return 1st, 2nd, 3rd, 11th, 1,000th."""
    if number % 100 in (11, 12, 13):
        return f"{number:,}th"
    return f"{number:,}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def about(wait: timedelta) -> str:
    """Say how long something will take, no more exactly than that is known."""
    seconds = wait.total_seconds()
    if seconds < 2:
        return "in a moment"
    if seconds < 100:
        return f"in about {round(seconds) if seconds < 20 else round(seconds, -1):.0f} s"
    return f"in about {round(seconds / 60)} minutes"


def places(builds: Iterable[Build]) -> dict[int, Place]:
    """Return the places of those of the builds that wait, by their numbers."""
    wanted = {build.pk for build in builds if build.status == BuildStatus.QUEUED}
    return {pk: place for pk, place in _queue().items() if pk in wanted} if wanted else {}


def place_of(build: Build) -> Place | None:
    """Return a build's place, None when it does not wait or stands too far back."""
    return places([build]).get(build.pk)


def publish_positions() -> int:
    """Tell the logs of the builds at the queue's front where they stand; return how many were told."""
    told = 0
    for pk, place in _queue().items():
        if place.position > ALWAYS_PUBLISHED and place.position % PUBLISHED_EVERY:
            continue
        record = {"kind": "queue", "words": place.words, **place.as_json()}
        with contextlib.suppress(StreamMissing, StreamClosed):
            streams.publish(f"build-{pk}", record)
            told += 1
    return told


def publish_later() -> None:
    """Let a worker tell those who wait that the queue moved, once this transaction is committed."""
    transaction.on_commit(_enqueue_publication)


def _enqueue_publication() -> None:
    with as_service():
        if Build.objects.filter(status=BuildStatus.QUEUED).exists():
            jobs.defer_once(jobs.PUBLISH_POSITIONS)


def _queue() -> dict[int, Place]:
    """Return the place of every waiting build by its number, the next one first."""
    with as_service():
        waiting = Build.objects.filter(status=BuildStatus.QUEUED).order_by("turn", "pk")
        numbers = list(waiting.values_list("pk", flat=True)[:MOST_PLACES])
        starts = _starts(len(numbers)) if numbers else []
    return {pk: Place(at, wait) for at, (pk, wait) in enumerate(zip(numbers, starts, strict=True), start=1)}


def _starts(count: int) -> list[timedelta | None]:
    """Estimate when so many builds start, from those that run and from recent durations."""
    running = list(Build.objects.filter(status=BuildStatus.RUNNING).values_list("started_at", flat=True))
    if not running and not any_worker_alive():
        return [None] * count
    usual, now = _usual(), timezone.now()
    slots = max(len(running), settings.WORKER_CONCURRENCY)
    free = [max(usual - (now - started), usual / 10) for started in running if started is not None]
    free += [timedelta()] * (slots - len(free))
    heapq.heapify(free)
    starts: list[timedelta | None] = []
    for _ in range(count):
        starts.append(free[0])
        heapq.heapreplace(free, free[0] + usual)
    return starts


def _usual() -> timedelta:
    newest = Build.objects.filter(status=BuildStatus.SUCCEEDED).order_by("-pk").values("pk")[:_RECENT]
    took = Build.objects.filter(pk__in=newest).aggregate(took=Avg(F("finished_at") - F("started_at")))["took"]
    return took or _USUAL
