"""Kill the worker, stop it, and cancel: at each step."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from agentforge.accounts.models import User
from agentforge.live import streams
from builds.models import Build
from configs.models import AgentConfig
from deployments import recovery, services
from deployments.errors import NotPossible
from deployments.models import Deployment, Site
from tests.builds.watching import wait_for
from tests.standins.netlify import NetlifyStandIn

from .stage import build_of
from .worker import WorkerProcess

pytestmark = pytest.mark.django_db(transaction=True)
Work = Callable[[], None]

# Where a request is held back while its worker is killed: at the first write, between a create and the moment
# in which its id is stored, in the middle of the uploads, and while the host works.
POINTS = {
    "environment": ("after", "^POST .*/env"),
    "before the create": ("before", r"^POST .*/deploys\?"),
    "after the create": ("after", r"^POST .*/deploys\?"),
    "upload": ("after", "^PUT .*/deploys/"),
    "wait": ("before", "^GET .*/deploys/deploy-"),
}


def count_the_worker_as_dead() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")


def done_once(deployment: Deployment, netlify: NetlifyStandIn) -> None:
    deployment.refresh_from_db()
    assert (deployment.status, deployment.error) == ("succeeded", "")
    assert list(netlify.state.deploys) == [deployment.remote_id]
    assert netlify.state.sites[deployment.site.remote_id].published == deployment.remote_id


@pytest.mark.parametrize("point", POINTS)
def test_a_dead_workers_deployment_is_gone_on_with(
    point: str, site: Site, build: Build, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    kind, match = POINTS[point]
    netlify.weather.add(kind, match)  # type: ignore[arg-type] # one of the two that hold back
    deployment = services.enqueue(site, build, alice)
    with WorkerProcess() as worker:
        netlify.weather.wait_until_held()
        worker.kill()
    netlify.weather.let_go()
    count_the_worker_as_dead()
    assert recovery.recover() == 1
    work()
    done_once(deployment, netlify)
    said = [record for _, record in streams.read(deployment.stream_name)]
    assert [record["text"] for record in said if record.get("mark")] == [
        "The worker died; going on where it stood, attempt 2 of 3"
    ]
    assert said[-1]["kind"] == "end"


def test_a_stopped_worker_hands_over(
    site: Site, build: Build, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    netlify.stuck = True
    deployment = services.enqueue(site, build, alice)
    with WorkerProcess() as worker:
        wait_for(deployment.stream_name, lambda record: "says: processing" in str(record.get("text")))
        worker.stop()
    netlify.stuck = False
    deployment.refresh_from_db()
    assert (deployment.status, deployment.attempts) == ("queued", 0)
    work()
    done_once(deployment, netlify)


def test_a_deployment_is_not_begun_for_ever(site: Site, build: Build, alice: User) -> None:
    deployment = services.enqueue(site, build, alice)
    Deployment.objects.update(attempts=4, status="running", job_id=0)
    assert recovery.recover() == 1
    deployment.refresh_from_db()
    assert (deployment.status, deployment.reason) == ("failed", "worker-died")


@pytest.mark.parametrize("point", POINTS)
def test_a_cancel_leaves_nothing_half_published(
    point: str, site: Site, agent: AgentConfig, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    before = services.enqueue(site, build_of(agent, alice, "before"), alice)
    work()
    before.refresh_from_db()
    kind, match = POINTS[point]
    netlify.state.environment.clear()
    netlify.weather.add(kind, match)  # type: ignore[arg-type] # one of the two that hold back
    deployment = services.enqueue(site, build_of(agent, alice, "after"), alice)
    worker = threading.Thread(target=work)
    worker.start()
    netlify.weather.wait_until_held()
    services.cancel(deployment, alice)
    netlify.weather.let_go()
    worker.join(60)
    deployment.refresh_from_db()
    assert (deployment.status, deployment.error) == ("cancelled", "")
    assert netlify.state.sites[site.remote_id].published == before.remote_id
    assert {each.state for each in netlify.state.deploys.values() if each.id != before.remote_id} <= {"error"}


def test_what_waits_is_cancelled_at_once(site: Site, build: Build, alice: User, work: Work) -> None:
    deployment = services.enqueue(site, build, alice)
    services.cancel(deployment, alice)
    deployment.refresh_from_db()
    assert deployment.status == "cancelled"
    work()
    with pytest.raises(NotPossible, match="is over"):
        services.cancel(deployment, alice)


def test_a_cancel_over_which_the_worker_died_is_kept(
    site: Site, build: Build, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    netlify.weather.add("after", r"^POST .*/deploys\?")
    deployment = services.enqueue(site, build, alice)
    with WorkerProcess() as worker:
        netlify.weather.wait_until_held()
        services.cancel(deployment, alice)
        worker.kill()
    netlify.weather.let_go()
    count_the_worker_as_dead()
    assert recovery.recover() == 1
    work()
    deployment.refresh_from_db()
    assert deployment.status == "cancelled"
    assert [each.state for each in netlify.state.deploys.values()] == ["error"]


def test_two_deployments_of_one_site_queue(
    site: Site, agent: AgentConfig, alice: User, work: Work, netlify: NetlifyStandIn
) -> None:
    both = [services.enqueue(site, build_of(agent, alice, word), alice) for word in ("one", "two")]
    # The one that is locked out is there for the worker once the other is done.
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
