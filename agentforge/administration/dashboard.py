"""The panels on the administration's first page; each app registers its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.utils.timesince import timesince
from django.utils.timezone import now


@dataclass(frozen=True)
class Fact:
    """A labelled value, optionally with a link to the rows behind it."""

    label: str
    value: str
    url: str = ""


@dataclass(frozen=True)
class Panel:
    title: str
    facts: list[Fact] = field(default_factory=list)


_panels: list[Callable[[], Panel]] = []


def register(panel: Callable[[], Panel]) -> Callable[[], Panel]:
    """Register a panel, computed on each request."""
    _panels.append(panel)
    return panel


def panels() -> list[Panel]:
    return [panel() for panel in _panels]


@register
def _workers() -> Panel:
    """Show each worker's last heartbeat; dead workers are removed after a while."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT worker.id, worker.last_heartbeat, count(job.id) FROM procrastinate_workers AS worker"
            " LEFT JOIN procrastinate_jobs AS job ON job.worker_id = worker.id AND job.status = 'doing'"
            " GROUP BY worker.id ORDER BY worker.id LIMIT 50"
        )
        rows = cursor.fetchall()
    facts = [
        Fact(f"Worker {pk}", f"heartbeat {ago(heartbeat)} ago, {jobs} jobs") for pk, heartbeat, jobs in rows
    ]
    return Panel("Workers", facts or [Fact("Workers", "none: nothing is built, checked or answered")])


def ago(moment: datetime) -> str:
    """Return the time since a moment: in seconds up to two minutes, else as Django formats it."""
    seconds = (now() - moment).total_seconds()
    return f"{max(seconds, 0):.0f} s" if seconds < 120 else timesince(moment)
