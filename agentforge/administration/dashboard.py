"""Show how the forge is doing on the administration's first page; each room adds its panel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.utils.timesince import timesince
from django.utils.timezone import now


@dataclass(frozen=True)
class Fact:
    """Say one thing, with a link to the rows behind it where there are some."""

    label: str
    value: str
    url: str = ""


@dataclass(frozen=True)
class Panel:
    """Group facts under a heading."""

    title: str
    facts: list[Fact] = field(default_factory=list)


_panels: list[Callable[[], Panel]] = []


def register(panel: Callable[[], Panel]) -> Callable[[], Panel]:
    """Add a panel, made when the page is asked for."""
    _panels.append(panel)
    return panel


def panels() -> list[Panel]:
    return [make() for make in _panels]


@register
def _workers() -> Panel:
    """Say when each worker was heard; a dead one is forgotten after a while."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT worker.id, worker.last_heartbeat, count(job.id) FROM procrastinate_workers AS worker"
            " LEFT JOIN procrastinate_jobs AS job ON job.worker_id = worker.id AND job.status = 'doing'"
            " GROUP BY worker.id ORDER BY worker.id LIMIT 50"
        )
        rows = cursor.fetchall()
    facts = [Fact(f"Worker {pk}", f"heard {ago(heard)} ago, {jobs} jobs") for pk, heard, jobs in rows]
    return Panel("Workers", facts or [Fact("Workers", "none: nothing is built, checked or answered")])


def ago(moment: datetime) -> str:
    """Say how long ago something was: in seconds within two minutes, else as Django does."""
    seconds = (now() - moment).total_seconds()
    return f"{max(seconds, 0):.0f} s" if seconds < 120 else timesince(moment)
