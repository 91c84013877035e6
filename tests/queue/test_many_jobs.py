"""What looks at the queue every few seconds or minutes reads the jobs that wait, not those that ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from agentforge.accounts.models import User
from builds import recovery
from builds.operations import pruning
from builds.queue import position
from tests.drivers.query_plans import tables_read_whole

pytestmark = pytest.mark.django_db
ENDED, WAITING = 20_000, 500
QUEUE = {"procrastinate_jobs", "procrastinate_events"}


@pytest.fixture(autouse=True)
def many_jobs() -> None:
    """Store jobs of the last hour that ended, and then some that wait, and tell the planner."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status)"
            " SELECT 'builds', 'compile', 'succeeded' FROM generate_series(1, %s)",
            [ENDED],
        )
        cursor.execute(
            "INSERT INTO procrastinate_events (job_id, type, at)"
            " SELECT id, type::procrastinate_job_event_type, now() - interval '1 hour'"
            " FROM procrastinate_jobs, unnest(ARRAY['deferred', 'started', 'succeeded']) AS type"
        )
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name)"
            " SELECT 'builds', 'compile' FROM generate_series(1, %s)",
            [WAITING],
        )
        cursor.execute("ANALYZE procrastinate_jobs, procrastinate_events")


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/readyz/workers"])
def test_probes_read_no_jobs_that_ended(client: Client, path: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    assert any("procrastinate_jobs" in query["sql"] for query in queries)
    assert QUEUE.isdisjoint(tables_read_whole(queries))


def test_metrics_show_how_long_the_first_of_a_queue_has_waited(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_events SET at = now() - interval '90 seconds' WHERE job_id ="
            " (SELECT min(id) FROM procrastinate_jobs WHERE status = 'todo')"
        )
        # It waits for its time, not for a worker.
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, scheduled_at)"
            " VALUES ('trials', 'answer', now() + interval '1 hour')"
        )
    ages = [line.split() for line in client.get("/metrics").content.decode().splitlines() if line[0] != "#"]
    oldest = {name: float(age) for name, age in ages if name.startswith("agentforge_queue_oldest_seconds")}
    assert 90 <= oldest.pop('agentforge_queue_oldest_seconds{queue="builds"}') < 3600
    assert set(oldest.values()) == {0.0}


def test_the_operators_overview_reads_no_jobs_that_ended(
    client_of: Callable[[User], Client], olga: User
) -> None:
    browser = client_of(olga)
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(reverse("admin:index")).status_code == 200
    assert any("procrastinate_jobs" in query["sql"] for query in queries)
    assert QUEUE.isdisjoint(tables_read_whole(queries))


def _prune_jobs() -> list[pruning.Amount]:
    return list(pruning.steps()["finished jobs"](pruning.Moment(timezone.now()), True))


@pytest.mark.parametrize("upkeep", [_prune_jobs, recovery.recover, position.publish_positions])
def test_upkeep_reads_no_jobs_that_ended(upkeep: Callable[[], object]) -> None:
    with CaptureQueriesContext(connection) as queries:
        upkeep()
    assert queries.captured_queries
    assert QUEUE.isdisjoint(tables_read_whole(queries))
