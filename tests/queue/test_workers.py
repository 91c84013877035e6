"""Workers as processes: what they survive, what they say of themselves, what they ask for while idle."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import psycopg
import pytest
from django.db import connection
from django.test import Client

from agentforge.live.connections import connect
from agentforge.worker_liveness import any_worker_alive, services
from builds.queue import jobs
from tests.drivers.build_worker import WorkerProcess

pytestmark = pytest.mark.django_db(transaction=True)

_SECONDS = 60


@pytest.fixture
def operator() -> Iterator[psycopg.Connection]:
    with psycopg.connect(os.environ["SUPERUSER_URL"], dbname="postgres", autocommit=True) as session:
        yield session


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not holds():
        assert time.monotonic() < deadline
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.05)")


def _is_done(job: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE id = %s", [job])
        return bool(cursor.fetchone()[0] == 0)


def _cut_off(operator: psycopg.Connection) -> int:
    """End the worker's connections, and return their number."""
    name = connection.settings_dict["NAME"]
    rows = operator.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = %s AND application_name LIKE 'agentforge worker%%'",
        [name],
    ).fetchall()
    return len(rows)


def test_a_worker_outlives_an_outage_and_works_on(operator: psycopg.Connection) -> None:
    name = str(connection.settings_dict["NAME"])
    with WorkerProcess(queues="upkeep") as worker:
        worker.wait_until_it_lives()
        first = jobs.defer(jobs.PUBLISH_POSITIONS)
        wait_until(lambda: _is_done(first))
        operator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        try:
            assert _cut_off(operator)
            # As long as an outage: several attempts to connect fail.
            operator.execute("SELECT pg_sleep(4)")
            assert worker.is_running()
        finally:
            operator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
        job = jobs.defer(jobs.PUBLISH_POSITIONS)
        wait_until(lambda: _is_done(job))
        assert worker.is_running()
        assert worker.stop() == 0


def test_a_worker_waits_for_a_database_that_comes_later(operator: psycopg.Connection) -> None:
    name = str(connection.settings_dict["NAME"])
    operator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
    try:
        with WorkerProcess(queues="upkeep") as worker:
            operator.execute("SELECT pg_sleep(6)")
            assert worker.is_running()
            operator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
            job = jobs.defer(jobs.PUBLISH_POSITIONS)
            wait_until(lambda: _is_done(job))
    finally:
        operator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())


def test_a_worker_that_counted_as_dead_takes_its_place_again() -> None:
    with WorkerProcess(queues="upkeep") as worker:
        worker.wait_until_it_lives()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_workers")
        wait_until(lambda: any_worker_alive("upkeep"))
        job = jobs.defer(jobs.PUBLISH_POSITIONS)
        wait_until(lambda: _is_done(job))


def test_workers_of_other_queues_do_not_count_for_builds(client: Client) -> None:
    jobs.defer(jobs.VERIFY, verification_id=999_999)
    with WorkerProcess(queues="trials,process") as worker:
        wait_until(lambda: any_worker_alive("trials") and not any_worker_alive("builds"))
        assert any_worker_alive()
        served = {service.queue: service for service in services()}
        assert (served["builds"].workers, served["builds"].waiting) == (0, 1)
        assert (served["trials"].workers, served["process"].workers) == (1, 1)
        assert client.get("/readyz").status_code == 200
        answer = client.get("/readyz/workers")
        assert answer.status_code == 503
        builds = answer.json()["queues"]["builds"]
        assert (builds["state"], builds["workers"], builds["waiting"]) == ("failed", 0, 1)
        assert builds["says"] == "No living worker takes builds, 1 waiting."
        assert client.get("/readyz/workers/builds").status_code == 503
        assert client.get("/readyz/workers/trials").status_code == 200
        assert client.get("/readyz/workers/nonsense").status_code == 404
        metrics = client.get("/metrics").content.decode()
        assert 'agentforge_queue_workers{queue="builds"} 0.0' in metrics
        assert 'agentforge_queue_workers{queue="trials"} 1.0' in metrics
        # Stopped, but not gone, as one that hangs.
        os.kill(worker.pid, signal.SIGSTOP)
        try:
            wait_until(lambda: not any_worker_alive())
            assert client.get("/readyz/workers/trials").status_code == 503
        finally:
            os.kill(worker.pid, signal.SIGCONT)
        wait_until(lambda: any_worker_alive("trials"))


def test_a_worker_is_never_known_without_what_it_takes() -> None:
    """It would count as one of an earlier version, which takes everything."""
    with connect() as session:
        session.execute("BEGIN")
        session.execute("LOCK TABLE queue_worker")
        with WorkerProcess(queues="trials"):
            wait_until(_is_anyone_held_up)
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM procrastinate_workers")
                assert cursor.fetchone() == (0,)
            session.execute("COMMIT")
            wait_until(lambda: any_worker_alive("trials"))


def _is_anyone_held_up() -> bool:
    """Return whether a worker waits for the lock of the workers' registrations."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_locks WHERE relation = 'queue_worker'::regclass AND NOT granted")
        return bool(cursor.rowcount > 0)


def test_an_idle_worker_is_woken_by_its_signs_of_life_alone() -> None:
    """psycopg's own wait for notifications wakes a worker ten times a second."""
    with WorkerProcess(queues="trials") as worker:
        wait_until(lambda: any_worker_alive("trials"))
        # It has more to do until it is idle, on a slow machine for some seconds.
        wait_until(lambda: _rests(worker))


def _rests(worker: WorkerProcess) -> bool:
    """Look for some seconds whether signs of life are all that a worker does."""
    began = _now()
    return worker.wakeups(6) <= 6 * 4 and _statements_since(began) == {"beat"}


def _now() -> datetime:
    with connect() as session:
        row = session.execute("SELECT now()").fetchone()
    assert row is not None
    return datetime.fromisoformat(str(row[0]))


def _statements_since(moment: datetime) -> set[str]:
    """Return what workers asked last on each of their connections; their signs of life as `beat`."""
    with connect() as session:
        rows = session.execute(
            "SELECT query FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE %s AND query_start > %s",
            ["agentforge worker%", moment],
        ).fetchall()
    return {"beat" if "WITH beat" in query else query for (query,) in rows}
