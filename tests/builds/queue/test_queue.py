"""Fair queueing, the limits per owner, and the published positions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.live import streams
from builds.execution import cache, transitions
from builds.execution.outcome import Outcome
from builds.models import Build, BuildStatus
from builds.queue import position
from builds.queue.jobs import PUBLISH_POSITIONS
from builds.services import cancel_build, enqueue_build
from configs.models import AgentConfig
from configs.services import create_agent, duplicate_agent
from tests.drivers.build_stream import wait_for
from tests.drivers.build_worker import WorkerProcess, let_one_live

pytestmark = pytest.mark.django_db(transaction=True)

JSON = {"accept": "application/json"}
DIGEST = "0" * 64


@pytest.fixture
def bobs(agent: AgentConfig, bob: User) -> AgentConfig:
    """Bob's agent, the same as alice's."""
    values = {field.attname: getattr(agent, field.attname) for field in agent._meta.concrete_fields}
    values |= {"id": None, "owner_id": bob.pk}
    return create_agent(AgentConfig(**values))


def ends(record: dict[str, Any]) -> bool:
    return bool(record["kind"] == "end")


def at_once(count: int, call: Callable[[int], Any]) -> list[Any]:
    """Call a function `count` times concurrently, each on its own connection."""

    def on_its_own(number: int) -> Any:
        try:
            return call(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(on_its_own, range(count)))


def test_a_hundred_builds_starve_nobody(
    build: Build, agent: AgentConfig, alice: User, bobs: AgentConfig, bob: User
) -> None:
    hundred = [enqueue_build(agent, by=alice) for _ in range(100)]
    his = [enqueue_build(bobs, by=bob) for _ in range(3)]
    with WorkerProcess(queues="builds"), WorkerProcess(queues="builds"):
        for each in his:
            wait_for(each.stream_name, ends)
            each.refresh_from_db()
    hers = Build.objects.filter(pk__in=[each.pk for each in hundred])
    # One of hers for each of his; the two workers start builds in either order.
    assert hers.filter(started_at__lt=his[-1].started_at).count() <= 5
    assert [each.status for each in his] == ["succeeded"] * 3


def test_an_idle_owner_gains_no_turns(
    agent: AgentConfig, alice: User, bobs: AgentConfig, bob: User, build: Build
) -> None:
    assert build.turn == 1
    hers = [enqueue_build(agent, by=alice).turn for _ in range(3)]
    assert hers == [2, 3, 4]
    # The workers have reached turn 1; turns that bob never used do not count.
    assert enqueue_build(bobs, by=bob).turn == 2


def test_too_many_waiting_builds_are_refused(
    browser: Client,
    agent: AgentConfig,
    alice: User,
    bobs: AgentConfig,
    bob: User,
    client_of: Callable[[User], Client],
    settings: Settings,
) -> None:
    settings.MOST_QUEUED_BUILDS = 2
    url = reverse("builds:compile", args=[agent.pk])
    waits = [browser.post(url, headers=JSON).json()["build"] for _ in range(2)]
    assert [each["queue"]["position"] for each in waits] == [1, 2]
    page = browser.post(url)
    as_json = browser.post(url, headers=JSON)
    for refusal in (page, as_json):
        assert refusal.status_code == 429
        assert int(refusal["Retry-After"]) > 0
    assert as_json["Content-Type"] == "application/problem+json"
    assert "Cancel some of them" in as_json.json()["detail"]
    assert "2 builds waiting" in page.content.decode()
    assert Build.objects.count() == 2
    assert client_of(bob).post(reverse("builds:compile", args=[bobs.pk])).status_code == 302
    cancel_build(Build.objects.get(pk=waits[0]["id"]), by=alice)
    assert browser.post(reverse("builds:retry", args=[waits[0]["id"]]), headers=JSON).status_code == 201
    cancel_build(Build.objects.get(pk=waits[1]["id"]), by=alice)
    assert browser.post(url).status_code == 302
    assert browser.post(reverse("builds:retry", args=[waits[1]["id"]]), headers=JSON).status_code == 429


def test_concurrent_requests_respect_the_limit(
    agent: AgentConfig, alice: User, client_of: Callable[[User], Client], settings: Settings
) -> None:
    settings.MOST_QUEUED_BUILDS = 3
    url = reverse("builds:compile", args=[agent.pk])
    clients = [client_of(alice) for _ in range(6)]
    taken = at_once(6, lambda number: clients[number].post(url).status_code)
    assert sorted(taken) == [302, 302, 302, 429, 429, 429]
    assert sorted(Build.objects.values_list("turn", flat=True)) == [1, 2, 3]


def test_running_builds_of_one_person_are_limited_and_hold_up_nobody(
    agent: AgentConfig, alice: User, bobs: AgentConfig, bob: User
) -> None:
    copies = [agent, duplicate_agent(agent), duplicate_agent(agent)]
    hers = [enqueue_build(each, by=alice) for each in copies]
    his = enqueue_build(bobs, by=bob)
    with WorkerProcess(queues="builds", concurrency=4, MOST_RUNNING_BUILDS="1"):
        for each in (*hers, his):
            wait_for(each.stream_name, ends)
            each.refresh_from_db()
    assert [each.status for each in (*hers, his)] == ["succeeded"] * 4
    for before, after in pairwise(hers):
        assert before.finished_at is not None and after.started_at is not None
        assert before.finished_at <= after.started_at
    assert his.started_at is not None and hers[-1].started_at is not None
    assert his.started_at < hers[-1].started_at


@pytest.fixture
def line(agent: AgentConfig, alice: User) -> Iterator[list[Build]]:
    """Three queued builds."""
    yield [enqueue_build(agent, by=alice) for _ in range(3)]


def test_pages_and_json_show_the_position(browser: Client, line: list[Build]) -> None:
    page = browser.get(line[2].get_absolute_url()).content.decode()
    assert "3rd in the queue; no worker runs at the moment" in page
    listed = browser.get(reverse("builds:list"), headers=JSON).json()["builds"]
    assert [each["queue"]["position"] for each in listed] == [3, 2, 1]
    assert "Next in the queue" in browser.get(reverse("builds:list")).content.decode()


def test_positions_are_published_when_the_queue_moves(line: list[Build], alice: User) -> None:
    last = line[2].stream_name
    let_one_live()
    with WorkerProcess(queues="upkeep"):
        for ahead, place in ((line[0], "3rd"), (line[1], "2nd")):
            wait_for(last, partial(_has_words, f"{place} in the queue, starts in"))
            cancel_build(ahead, by=alice)
        wait_for(last, lambda record: record.get("position") == 1)


def test_a_build_that_starts_at_once_makes_no_work_for_its_place(
    agent: AgentConfig, alice: User, settings: Settings
) -> None:
    def is_published() -> bool:
        jobs = ProcrastinateJob.objects.filter(task_name=PUBLISH_POSITIONS)
        found = jobs.exists()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs WHERE task_name = %s", [PUBLISH_POSITIONS])
        return found

    first = enqueue_build(agent, alice)
    assert is_published()  # nobody takes it
    cancel_build(first, alice)
    let_one_live()
    first = enqueue_build(agent, alice)
    assert not is_published()
    second = enqueue_build(agent, alice)
    assert is_published()  # the second waits for the first
    cancel_build(second, alice)
    assert transitions.claim(first.pk, first.job_id or 0)
    settings.WORKER_CONCURRENCY = 1
    is_published()
    enqueue_build(agent, alice)
    assert is_published()  # it waits for the one that runs


def _has_words(words: str, record: dict[str, Any]) -> bool:
    return record["kind"] == "queue" and str(record["words"]).startswith(words)


def test_of_concurrent_claims_one_succeeds(line: list[Build]) -> None:
    job = line[0].job_id
    assert job is not None
    claims = at_once(4, lambda _: transitions.claim(line[0].pk, job))
    assert sum(claim is not None for claim in claims) == 1
    records = [record for _, record in streams.read(line[0].stream_name) if record["kind"] == "status"]
    again = [record for record in records if record["status"] == "running"]
    assert len(again) == 1


def test_a_claim_starts_every_unfinished_target(agent: AgentConfig, alice: User) -> None:
    build = enqueue_build(agent, alice, ["plugin", "linux-amd64"])
    first = transitions.claim(build.pk, build.job_id or 0)
    assert first is not None
    assert set(build.per_target.values_list("status", flat=True)) == {"running"}
    assert transitions.finish_target(first, "plugin", Outcome(BuildStatus.SUCCEEDED))
    transitions.set_input_digest(first, "linux-amd64", DIGEST)
    assert transitions.requeue(build.pk, first.job_id, why="A worker died")
    build.refresh_from_db()
    second = transitions.claim(build.pk, build.job_id or 0)
    assert second is not None
    # It runs again, but does not compile these inputs yet: it would wait for itself.
    assert cache.running_build(DIGEST, alice.pk) is None
    assert (first.targets, second.targets) == (("plugin", "linux-amd64"), ("linux-amd64",))
    assert (first.attempt, second.attempt) == (1, 2)
    records = [record for _, record in streams.read(build.stream_name)]
    told = [(each["target"], each["status"]) for each in records if each["kind"] == "target"]
    running = [(name, "running") for name in ("plugin", "linux-amd64")]
    assert told == [*running, ("plugin", "succeeded"), running[1]]


@pytest.mark.parametrize("with_its_target", [True, False])
def test_a_build_ends_once_with_its_log(line: list[Build], with_its_target: bool) -> None:
    pk, job = line[0].pk, line[0].job_id or 0
    claim = transitions.claim(pk, job)
    assert claim is not None
    ended = [transitions.finish_target(claim, "plugin", Outcome(BuildStatus.SUCCEEDED), last=with_its_target)]
    ended += [transitions.conclude(pk, job) for _ in range(2)]
    assert ended == ([True, False, False] if with_its_target else [True, True, False])
    target, status, end = [record for _, record in streams.read(line[0].stream_name)][-3:]
    assert [target["kind"], status["status"], end["kind"]] == ["target", "succeeded", "end"]
    line[0].refresh_from_db()
    assert line[0].status == "succeeded"
    assert line[0].finished_at is not None
    assert line[0].expires_at is not None


def test_of_concurrent_endings_one_succeeds(line: list[Build]) -> None:
    pk, job = line[0].pk, line[0].job_id
    assert job is not None
    transitions.claim(pk, job)

    def end(number: int) -> bool:
        if number == 0:
            return transitions.requeue(pk, job, why="A worker died")
        status = BuildStatus.CANCELLED if number % 2 else BuildStatus.FAILED
        return transitions.finish(pk, job, status)

    assert sum(at_once(5, end)) == 1


@pytest.mark.parametrize(
    ("number", "words"), [(1, "Next"), (2, "2nd"), (3, "3rd"), (11, "11th"), (22, "22nd"), (1013, "1,013th")]
)
def test_positions_are_ordinals(number: int, words: str) -> None:
    assert position.Place(number, timedelta()).words == f"{words} in the queue, starts in a moment"
