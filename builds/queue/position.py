"""Positions and start times of queued builds, published on their logs when the queue moves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.humanize.templatetags.humanize import intcomma, ordinal
from django.db import transaction

from agentforge.live import streams
from agentforge.live.log import StreamClosed, StreamMissing
from agentforge.tenancy.rls import as_service
from builds.models import Build, BuildStatus

from . import estimate, jobs

# Every move is published up to this position, and further back only every tenth position.
ALWAYS_PUBLISHED = 20
PUBLISHED_EVERY = 10
# Builds further back have no position.
MOST_PLACES = 1000


@dataclass(frozen=True)
class Place:
    """A build's position in the queue, from 1, and its expected wait, or why it has none."""

    position: int
    wait: timedelta | None
    reason: str = ""

    @property
    def words(self) -> str:
        """Return it as text, such as "3rd in the queue, starts in about 20 s"."""
        number = intcomma(ordinal(self.position))
        place = "Next in the queue" if self.position == 1 else f"{number} in the queue"
        return f"{place}; {self.reason}" if self.wait is None else f"{place}, starts {about(self.wait)}"

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
    """Return whether no more than one build is queued, and nothing keeps it there."""
    return [place.wait for place in _queue(2).values()] in ([], [timedelta()])


def _queue(most: int = MOST_PLACES) -> dict[int, Place]:
    """Return the places of the first queued builds by primary key, the next one first."""
    with as_service():
        queued = Build.objects.filter(status=BuildStatus.QUEUED).order_by("turn", "pk")
        line = list(queued.values_list("pk", "owner_id")[:most])
        waits = estimate.waits([owner for _, owner in line]) if line else []
    return {pk: Place(at, *wait) for at, ((pk, _), wait) in enumerate(zip(line, waits, strict=True), start=1)}
