"""A killed or stopped worker, a cancel, a lost database connection: at each step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from unittest.mock import patch

import pytest
from django.db import OperationalError, connection

from agentforge import worker_liveness
from agentforge.accounts.models import User
from agentforge.live import streams
from builds.models import Build
from configs.models import AgentConfig
from deployments import services
from deployments.errors import NotPossible
from deployments.models import Deployment, Site
from deployments.run import recovery, runner, stages, steps, transitions
from deployments.sites.variables import names
from tests.deployments.finished_builds import build_of
from tests.deployments.halting_host import ASKING, CHECK, CHECK_DRAFT, DIGEST, END, WAIT, Halting
from tests.drivers.build_stream import Record, wait_for
from tests.drivers.deployment_worker import WorkerProcess, WorkerThread
from tests.standins.netlify import NetlifyStandIn

pytestmark = pytest.mark.django_db(transaction=True)
Work = Callable[[], None]

UPLOADING = ASKING[4]
PLACES = (DIGEST, *ASKING, WAIT, CHECK, CHECK_DRAFT, END)
DIED = "The worker died; resuming, attempt {} of 3"
STOPPED = "The worker was stopped; the next one resumes"


@pytest.fixture
def halting(agent: AgentConfig, alice: User, site: Site, netlify: NetlifyStandIn) -> Iterator[Halting]:
    halting = Halting(agent, alice, netlify)
    yield halting
    halting.let_go()


def count_the_worker_as_dead() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")


def recover(expected: int = 1) -> None:
    count_the_worker_as_dead()
    # A server younger than DEAD_AFTER can't tell dead workers, and the test's may be that young.
    with patch.object(worker_liveness, "DEAD_AFTER", 1):
        assert recovery.recover() == expected


def records_of(deployment: Deployment) -> list[Record]:
    """Return a deployment's records, which have no gap and exactly one end."""
    numbers, records = zip(*streams.read(deployment.stream_name), strict=True)
    assert list(numbers) == list(range(1, len(numbers) + 1))
    assert Counter(record["kind"] for record in records)["end"] == 1
    assert records[-1]["kind"] == "end"
    return list(records)


def marks(deployment: Deployment) -> list[str]:
    return [record["text"] for record in records_of(deployment) if record.get("mark")]


def statuses(deployment: Deployment) -> list[str]:
    return [record["status"] for record in records_of(deployment) if record["kind"] == "status"]


def deploys_of(site: Site, netlify: NetlifyStandIn) -> dict[str, str]:
    """Return the state of each of a site's deploys at the host."""
    return {each.id: each.state for each in netlify.state.deploys.values() if each.site_id == site.remote_id}


def done_once(deployment: Deployment, netlify: NetlifyStandIn) -> None:
    """Check that a deployment succeeded, and that the host has exactly one deploy of it."""
    deployment.refresh_from_db()
    site = deployment.site
    assert (deployment.status, deployment.error) == ("succeeded", "")
    assert deploys_of(site, netlify) == {deployment.remote_id: "ready"}
    live = "" if deployment.draft else deployment.remote_id
    assert netlify.state.sites[site.remote_id].published == site.live_remote_id == live
    assert (deployment.published_at is None) == deployment.draft
    there = {key for (_, site_id, key) in netlify.state.environment if site_id == site.remote_id}
    assert sorted(there) == site.variables == names(site.agent, site)
    assert [(step["name"], step["state"]) for step in deployment.steps] == [(s, "done") for s in steps.STEPS]
    attempts = [list(steps.STEPS).index(step) for step in begun(deployment)]
    again = [at for at in range(1, len(attempts)) if attempts[at] <= attempts[at - 1]]
    assert all(attempts[at] == 0 for at in again)
    assert attempts[-6:] == list(range(6))


def begun(deployment: Deployment) -> list[str]:
    """Return the names of the steps in the order in which they started."""
    records = records_of(deployment)
    return [r["name"] for r in records if r["kind"] == "step" and r["state"] == "running"]


def test_dead_workers_deployments_are_gone_on_with(
    halting: Halting, work: Work, netlify: NetlifyStandIn
) -> None:
    with WorkerProcess() as worker:
        held = halting.hold(halting.sites(PLACES))
        worker.kill()
    halting.let_go()
    recover(len(PLACES))
    work()
    for place, deployment in held.items():
        done_once(deployment, netlify)
        assert marks(deployment) == [DIED.format(2)]
        assert statuses(deployment) == ["queued", "running", "queued", "running", "succeeded"]
        assert begun(deployment)[:-6][-1] == place.step


def test_a_worker_that_hung_writes_nothing_into_the_next_attempt(
    halting: Halting, netlify: NetlifyStandIn
) -> None:
    with WorkerProcess() as worker:
        [deployment] = halting.hold(halting.sites([UPLOADING])).values()
        with worker.hung():
            recover()
            halting.let_go()
        wait_for(deployment.stream_name, lambda record: record["kind"] == "end")
    done_once(deployment, netlify)
    records = records_of(deployment)
    [mark] = [at for at, record in enumerate(records) if record.get("mark")]
    assert [record.get("status") for record in records[mark + 1 : mark + 3]] == ["queued", "running"]
    assert "failed" not in {record.get("state") for record in records}


def test_a_stopped_worker_hands_over(halting: Halting, work: Work, netlify: NetlifyStandIn) -> None:
    with WorkerProcess() as worker:
        held = halting.hold(halting.sites(PLACES))
        worker.ask_to_stop(len(PLACES))
        halting.let_go()
        worker.wait()
    for place, deployment in held.items():
        deployment.refresh_from_db()
        # A deployment in its last step finishes first.
        expected = ("succeeded", 1) if place.step == steps.VERIFY else ("queued", 0)
        assert (deployment.status, deployment.attempts) == expected
    assert recovery.recover() == 0
    work()
    for place, deployment in held.items():
        done_once(deployment, netlify)
        assert marks(deployment) == ([] if place.step == steps.VERIFY else [STOPPED])


def test_a_cancel_leaves_nothing_half_published(
    halting: Halting, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    sites = halting.sites([place for place in PLACES if place != END])
    before = {place: services.enqueue(site, halting.build(site), alice) for place, site in sites.items()}
    work()
    netlify.state.environment.clear()
    with WorkerThread():
        held = halting.hold(sites, "two")
        for deployment in held.values():
            services.cancel(deployment, alice)
        halting.let_go()
    for place, deployment in held.items():
        before[place].refresh_from_db()
        deployment.refresh_from_db()
        published = netlify.state.sites[sites[place].remote_id].published
        assert deployment.site.live_remote_id == published
        states = deploys_of(sites[place], netlify)
        if place == CHECK:
            assert (deployment.status, published) == ("succeeded", deployment.remote_id)
            assert marks(deployment) == ["The cancel came too late: the deploy is live. Roll back to undo it"]
            continue
        assert (deployment.status, deployment.error) == ("cancelled", "")
        assert published == before[place].remote_id
        assert states.pop(published) == "ready"
        # A draft that is ready is deleted.
        assert list(states.values()) == ["error"] * (place not in (DIGEST, ASKING[0], CHECK_DRAFT))
        assert marks(deployment) == []
        assert statuses(deployment) == ["queued", "running", "cancelled"]


def test_the_worker_that_goes_on_is_killed_too(halting: Halting, work: Work, netlify: NetlifyStandIn) -> None:
    site = halting.sites([ASKING[2]])
    with WorkerProcess() as worker:
        [deployment] = halting.hold(site).values()
        worker.kill()
    halting.let_go()
    recover()
    netlify.weather.add("after", "^PUT .*/deploys/")
    with WorkerProcess() as worker:
        netlify.weather.wait_until_held(2)
        worker.kill()
    halting.let_go()
    recover()
    work()
    done_once(deployment, netlify)
    assert marks(deployment) == [DIED.format(2), DIED.format(3)]


def test_a_cancel_over_which_the_worker_died_is_kept(
    halting: Halting, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    with WorkerProcess() as worker:
        cancelling = [halting.hold(halting.sites([WAIT]))[WAIT] for _ in range(2)]
        # The deploy of one was created, but its id was not stored.
        [nameless] = halting.hold(halting.sites([ASKING[2]])).values()
        netlify.weather.add("before", "^POST .*/cancel")
        netlify.weather.add("after", "^POST .*/cancel")
        every = [*cancelling, nameless]
        for deployment in every:
            services.cancel(deployment, alice)
        netlify.weather.wait_until_held(3)
        worker.kill()
    halting.let_go()
    recover(3)
    work()
    for deployment in every:
        deployment.refresh_from_db()
        assert (deployment.status, deployment.error) == ("cancelled", "")
        assert deploys_of(deployment.site, netlify) == {deployment.remote_id: "error"}
        assert netlify.state.sites[deployment.site.remote_id].published == ""
        assert marks(deployment) == ["The worker died while it cancelled; cancelling again"]


def test_what_was_begun_too_often_is_undone(halting: Halting, work: Work, netlify: NetlifyStandIn) -> None:
    with WorkerProcess() as worker:
        held = halting.hold(halting.sites([WAIT, CHECK]))
        Deployment.objects.update(attempts=3)
        worker.kill()
    recover(2)
    netlify.stuck = False
    work()
    for deployment in held.values():
        deployment.refresh_from_db()
        assert (deployment.status, deployment.reason) == ("failed", "worker-died")
        assert marks(deployment) == ["The worker died in attempt 3 of 3; cancelling the deploy"]
    undone, late = held[WAIT], held[CHECK]
    assert undone.error == runner.GIVEN_UP
    assert deploys_of(undone.site, netlify) == {undone.remote_id: "error"}
    assert late.error == f"{runner.GIVEN_UP} The deploy is live nevertheless: check the site, or roll back."
    assert late.is_live
    assert netlify.state.sites[late.site.remote_id].published == late.remote_id


def test_a_connection_to_the_database_that_breaks_is_made_anew(
    halting: Halting, netlify: NetlifyStandIn
) -> None:
    with WorkerThread():
        held = halting.hold(halting.sites([DIGEST, END]))
        halting.break_connections()
        halting.let_go()
        for deployment in held.values():
            wait_for(deployment.stream_name, lambda record: record["kind"] == "end")
    for deployment in held.values():
        done_once(deployment, netlify)
    assert marks(held[DIGEST]) == ["The database was unavailable; resuming"]
    assert (marks(held[END]), held[END].attempts) == ([], 1)


def test_a_host_that_never_ends_is_given_up(
    site: Site,
    build: Build,
    alice: User,
    work: Work,
    netlify: NetlifyStandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stages, "LONGEST_WAIT", 0.2)
    netlify.stuck = True
    deployment = services.enqueue(site, build, alice)
    work()
    deployment.refresh_from_db()
    assert (deployment.status, deployment.reason) == ("failed", "stuck")
    assert deployment.error.startswith("Netlify still says “processing” after")
    assert deploys_of(site, netlify) == {deployment.remote_id: "error"}
    assert netlify.state.sites[site.remote_id].published == ""


def test_a_deployment_is_not_begun_for_ever(site: Site, build: Build, alice: User) -> None:
    deployment = services.enqueue(site, build, alice)
    Deployment.objects.update(attempts=4, status="running", job_id=0)
    assert recovery.recover() == 1
    deployment.refresh_from_db()
    assert (deployment.status, deployment.reason) == ("failed", "worker-died")


def test_what_waits_is_cancelled_at_once(site: Site, build: Build, alice: User, work: Work) -> None:
    deployment = services.enqueue(site, build, alice)
    services.cancel(deployment, alice)
    deployment.refresh_from_db()
    assert deployment.status == "cancelled"
    work()
    with pytest.raises(NotPossible, match="is over"):
        services.cancel(deployment, alice)


def test_two_deployments_of_one_site_queue(
    site: Site, agent: AgentConfig, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    both = [services.enqueue(site, build_of(agent, alice, word), alice) for word in ("one", "two")]
    # The second one waits for the lock of the first.
    work()
    work()
    for each in both:
        each.refresh_from_db()
    first, second = both
    assert (first.status, second.status) == ("succeeded", "succeeded")
    assert first.finished_at is not None
    assert second.started_at is not None
    assert first.finished_at <= second.started_at
    site.refresh_from_db()
    assert site.live_remote_id == second.remote_id


def test_a_claim_whose_response_is_lost_still_counts(
    agent: AgentConfig, alice: User, site: Site, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = services.enqueue(site, build_of(agent, alice), alice)
    claim = transitions.claim
    answers = []

    def lose_the_first(deployment_id: int, job_id: int, **more: bool) -> Deployment | None:
        answers.append(claim(deployment_id, job_id, **more))
        if len(answers) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        return answers[-1]

    monkeypatch.setattr(transitions, "claim", lose_the_first)
    work()
    deployment.refresh_from_db()
    assert (deployment.status, deployment.attempts) == ("succeeded", 1)
    assert answers[0] == answers[1]
    assert transitions.claim(deployment.pk, 999_999, again=True) is None
