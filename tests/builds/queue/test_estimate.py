"""What a queued build's place says of its start, and why it does not start."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.live import streams
from builds.execution import transitions
from builds.models import Build
from builds.queue import estimate, position
from builds.queue.jobs import PUBLISH_POSITIONS
from builds.services import enqueue_build
from configs.models import AgentConfig
from configs.services import create_agent
from tests.drivers.build_worker import WorkerProcess, let_one_live

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_estimate_counts_slots_and_recent_durations(
    build: Build, agent: AgentConfig, alice: User
) -> None:
    line = [enqueue_build(agent, by=alice) for _ in range(3)]
    Build.objects.filter(pk=build.pk).update(finished_at=build.started_at)
    with WorkerProcess(queues="trials") as worker:
        worker.wait_until_it_lives()
        # One that takes no builds does not count.
        assert {place.wait for place in position.places(line).values()} == {None}
    let_one_live()
    waits = [place.wait for place in position.places(line).values()]
    assert all(wait is not None and wait.total_seconds() < 1 for wait in waits)


def words_of(*builds: Build) -> list[str]:
    return [place.words for place in position.places(builds).values()]


def test_a_place_says_that_workers_do_other_work(agent: AgentConfig, alice: User, settings: Settings) -> None:
    let_one_live()
    settings.WORKER_CONCURRENCY = 2
    first, second = enqueue_build(agent, alice), enqueue_build(agent, alice)
    assert words_of(first, second) == [
        "Next in the queue, starts in a moment",
        "2nd in the queue, starts in a moment",
    ]
    for number in range(2):
        _let_a_job_run("builds.verify")
        moment = "2nd in the queue, starts in about 3 s"
        busy = f"2nd in the queue; {estimate.BUSY}"
        assert words_of(first, second)[1] == (busy if number else moment)
    assert words_of(first) == [f"Next in the queue; {estimate.BUSY}"]
    place = position.place_of(first)
    assert place is not None
    assert place.as_json() == {"position": 1, "starts_in": None}


def _let_a_job_run(task: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('builds', %s, 'doing')",
            [task],
        )


def test_a_place_says_that_the_owners_other_builds_come_first(
    agent: AgentConfig, alice: User, bob: User, settings: Settings
) -> None:
    let_one_live()
    settings.MOST_RUNNING_BUILDS = 1
    running, held = enqueue_build(agent, alice), enqueue_build(agent, alice)
    assert transitions.claim(running.pk, running.job_id or 0)
    bobs = create_agent(AgentConfig(owner=bob, name="B", handle="b", provider="local", model="smollm2-135m"))
    other = enqueue_build(bobs, bob)
    reason = "your other builds come first, 1 at a time"
    assert words_of(held, other) == [f"Next in the queue; {reason}", "2nd in the queue, starts in a moment"]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE task_name = %s", [PUBLISH_POSITIONS])
    assert transitions.claim(held.pk, held.job_id or 0) is None
    assert ProcrastinateJob.objects.filter(task_name=PUBLISH_POSITIONS).exists()
    position.publish_positions()
    (*_, told) = [record for _, record in streams.read(held.stream_name) if record["kind"] == "queue"]
    assert told["words"] == f"Next in the queue; {reason}"


def test_the_estimate_is_of_builds_that_were_compiled(agent: AgentConfig, alice: User) -> None:
    now = timezone.now()
    for from_cache, seconds in ((True, 0), (False, 40)):
        ended = enqueue_build(agent, alice)
        ended.per_target.update(status="succeeded", from_cache=from_cache)
        times = {"started_at": now - timedelta(seconds=seconds), "finished_at": now}
        Build.objects.filter(pk=ended.pk).update(status="succeeded", **times)
    running = [enqueue_build(agent, alice) for _ in range(4)]
    for number, build in enumerate(running):
        began = now - timedelta(seconds=10 if number == 0 else 80)
        Build.objects.filter(pk=build.pk).update(status="running", started_at=began)
    let_one_live()
    queued = [enqueue_build(agent, alice) for _ in range(4)]
    waits = [place.wait.total_seconds() for place in position.places(queued).values() if place.wait]
    # Three run for twice as long as usual: nobody knows; the other one has 30 s left.
    assert waits == [pytest.approx(seconds, abs=2) for seconds in (20, 20, 20, 30)]
