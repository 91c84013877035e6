"""What /metrics shows: counters and histograms that only grow, and agree wherever they are read."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from agentforge.accounts.models import User
from agentforge.live import streams
from agentforge.telemetry import tally
from agentforge.telemetry.models import Measurement
from builds.models import Build
from builds.services import enqueue_build
from configs.models import AgentConfig
from tests.builds.conftest import agent, browser, build, local_model, work
from tests.drivers.people import bearer_of
from tests.drivers.web_process import WebProcess

__all__ = ["agent", "browser", "build", "local_model", "work"]
pytestmark = pytest.mark.django_db(transaction=True)

Samples = dict[tuple[str, ...], float]


def _samples(text: str) -> Samples:
    """Return every sample, by its name and its labels' values, as Prometheus would read them."""
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families), "a family is shown twice"
    return {
        (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def _grown(before: Samples, after: Samples, *key: str) -> float:
    return after.get(key, 0.0) - before.get(key, 0.0)


def test_requests_are_counted_by_route_and_status(client: Client) -> None:
    before = _samples(client.get("/metrics").content.decode())
    for path in ("/agents/1/identity/", "/agents/2/identity/", "/nowhere/1/", "/nowhere/2/"):
        client.get(path)
    after = _samples(client.get("/metrics").content.decode())
    name = "agentforge_http_requests_total"
    route = "route=agents/<int:pk>/identity/"
    assert _grown(before, after, name, "method=GET", route, "status=302") == 2
    assert _grown(before, after, name, "method=GET", "route=none", "status=404") == 2
    assert _grown(before, after, "agentforge_http_request_seconds_count", route) == 2
    assert not [key for key in after if "nowhere" in str(key)]


def test_a_builds_wait_time_and_outcome_are_counted_once_for_all_processes(
    client: Client, agent: AgentConfig, alice: User, work: Callable[[], None]
) -> None:
    tally.observe("job_seconds", 0.1, "answer")
    before = _samples(client.get("/metrics").content.decode())
    build = enqueue_build(agent, by=alice)
    work()
    # The worker has written it: any process shows it, and after the build is gone as well.
    Build.objects.filter(pk=build.pk).delete()
    with WebProcess() as other:
        after = _samples(httpx.get(f"{other.url}/metrics").text)
    assert _grown(before, after, "agentforge_jobs_total", "kind=build", "outcome=succeeded") == 1
    for histogram in ("agentforge_job_seconds", "agentforge_job_wait_seconds"):
        assert _grown(before, after, f"{histogram}_count", "kind=build") == 1
        assert _grown(before, after, f"{histogram}_bucket", "kind=build", "le=+Inf") == 1
        assert _grown(before, after, f"{histogram}_sum", "kind=build") > 0
        # Other kinds have buckets too: what tests before this one counted is written with this one's.
        buckets = [value for key, value in after.items() if key[:2] == (f"{histogram}_bucket", "kind=build")]
        assert buckets == sorted(buckets)


def test_calls_to_services_have_few_labels(
    build: Build, browser: Client, work: Callable[[], None], client: Client
) -> None:
    before = _samples(client.get("/metrics").content.decode())
    browser.post(f"/agents/{build.revision.agent_id}/try/messages/", {"content": "Hello?"})
    work()
    after = _samples(client.get("/metrics").content.decode())
    name = "agentforge_outbound_calls_total"
    assert _grown(before, after, name, "outcome=connected", "service=local-model") == 1
    assert _grown(before, after, "agentforge_outbound_seconds_count", "service=local-model") >= 1
    assert _grown(before, after, "agentforge_jobs_total", "kind=answer", "outcome=done") == 1


def test_live_viewers_and_delivery_are_measured(build: Build, alice: User) -> None:
    headers, stream = {"Authorization": bearer_of(alice)}, f"agent-{build.revision.agent_id}"
    with WebProcess() as web, web.follow(headers, stream) as viewer:
        events = iter(viewer)
        next(events)
        streams.publish(stream, {"kind": "process", "run": 0})
        next(events)
        samples = _samples(httpx.get(f"{web.url}/metrics").text)
        assert samples["agentforge_live_viewers",] == 1
        assert samples["agentforge_live_delivery_seconds_count",] == 1
        assert samples["agentforge_live_delivery_seconds_bucket", "le=+Inf"] == 1
        assert samples["agentforge_database_connections_max",] == 12


def test_the_rest_is_there_from_the_start(client: Client) -> None:
    samples = _samples(client.get("/metrics").content.decode())
    for queue in ("builds", "trials", "process", "deployments", "upkeep"):
        assert samples["agentforge_queue_oldest_seconds", f"queue={queue}"] == 0
    (info,) = [key for key in samples if key[0] == "agentforge_build_info"]
    assert info[1].startswith("django=5") and info[-1] == "version=0.1.0"
    assert ("agentforge_database_connections", "state=used") in samples


def test_an_older_bound_still_counts(client: Client) -> None:
    labels = '["build"]'
    Measurement.objects.create(metric="job_seconds", labels=labels, le=7.0, count=3, total=20.0)
    samples = _samples(client.get("/metrics").content.decode())
    assert samples["agentforge_job_seconds_bucket", "kind=build", "le=10"] >= 3


def test_what_was_counted_while_the_database_was_away_is_kept() -> None:
    tally.flush()
    tally.count("jobs_requeued", "build")
    tally.count("jobs_requeued", "build")
    tally.flush()
    tally.flush()
    assert Measurement.objects.get(metric="jobs_requeued").count == 2
