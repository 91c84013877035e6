"""Jobs that ended a while ago leave the queue; others stay, whatever their order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from agentforge.queue import retention

pytestmark = pytest.mark.django_db
# More than are looked at together.
MANY = 600


def _jobs(name: str, number: int, status: str, *events: str) -> None:
    """Store jobs of a task, each with events of such ages."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH job AS ("
            " INSERT INTO procrastinate_jobs (queue_name, task_name, status)"
            " SELECT 'builds', %s, %s::procrastinate_job_status FROM generate_series(1, %s) RETURNING id"
            ") INSERT INTO procrastinate_events (job_id, type, at)"
            " SELECT id, 'deferred', now() - age FROM job, unnest(%s::interval[]) AS age",
            [name, status, number, list(events)],
        )


def _left() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name, count(*) FROM procrastinate_jobs GROUP BY task_name")
        return dict(cursor.fetchall())


@pytest.fixture(autouse=True)
def jobs() -> None:
    _jobs("runs", MANY, "doing", "3 days")
    _jobs("ended long ago", MANY, "succeeded", "3 days", "2 days")
    _jobs("ended lately", 3, "failed", "3 days", "1 hour")
    _jobs("was never noted", 2, "cancelled")
    _jobs("ended today", MANY, "succeeded", "2 hours", "1 hour")


def test_what_ended_long_ago_is_removed_behind_what_still_runs() -> None:
    portions = list(retention.prune(timezone.now() - timedelta(days=1), dry_run=False))
    assert sum(portions) == MANY + 2
    assert max(portions) < MANY
    assert _left() == {"runs": MANY, "ended lately": 3, "ended today": MANY}


def test_a_dry_run_counts_the_same_and_removes_nothing() -> None:
    before = _left()
    assert sum(retention.prune(timezone.now() - timedelta(days=1), dry_run=True)) == MANY + 2
    assert _left() == before


def test_an_empty_queue_is_pruned() -> None:
    assert sum(retention.prune(timezone.now() + timedelta(days=1), dry_run=False)) == 2 * MANY + 5
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    assert sum(retention.prune(timezone.now(), dry_run=False)) == 0
