"""What machines ask: is it ready, how is it doing."""

from __future__ import annotations

import base64

import pytest
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from builds.models import Build
from configs.models import AgentConfig
from configs.revisions import create_revision
from tests.builds.conftest import agent, local_model

__all__ = ["agent", "local_model"]
pytestmark = pytest.mark.django_db


def _worker(age: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s::interval)", [age]
        )


def test_a_web_process_is_ready_with_its_database_and_workers_by_themselves(client: Client) -> None:
    answer = client.get("/readyz")
    # Pages, logs and downloads need no worker.
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    checks = answer.json()["checks"]
    assert [checks[name]["state"] for name in ("database", "migrations")] == ["ok", "ok"]
    _worker("1 hour")
    assert answer.json()["queues"]["builds"]["state"] == "failed"
    assert client.get("/readyz/workers").status_code == 503
    _worker("1 second")
    assert client.get("/readyz").json()["queues"]["builds"]["state"] == "ok"
    answer = client.get("/readyz/workers")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)


def _metrics(client: Client) -> dict[str, float]:
    """Return every sample that Prometheus would read, by its name and its labels' values."""
    families = text_string_to_metric_families(client.get("/metrics").content.decode())
    samples = [sample for family in families for sample in family.samples]
    return {" ".join([sample.name, *sample.labels.values()]): sample.value for sample in samples}


def test_metrics_say_how_builds_queue_and_workers_are(client: Client, agent: AgentConfig) -> None:
    revision = create_revision(agent)
    for status in ("queued", "queued", "running", "succeeded", "failed"):
        Build.objects.create(owner=agent.owner, revision=revision, status=status)
    _worker("1 second")
    result = _metrics(client)
    assert result["agentforge_builds queued"] == 2
    assert result["agentforge_builds running"] == 1
    assert result["agentforge_builds_recent failed"] == 1
    assert result["agentforge_builds_oldest_queued_seconds"] >= 0
    assert result["agentforge_workers"] == 1
    assert result["agentforge_disk_free_bytes"] > 0


def test_without_a_password_only_this_machine_is_answered(client: Client) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.7").status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="::ffff:127.0.0.1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="::ffff:10.0.0.7").status_code == 404


@pytest.mark.parametrize(
    "header",
    [
        *("forwarded", "via", "x-real-ip", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"),
        *("x-forwarded", "x-client-ip", "true-client-ip", "cf-connecting-ip", "fastly-client-ip"),
        *("x-nf-client-connection-ip", "x-original-forwarded-for", "x-envoy-external-address", "cdn-loop"),
    ],
)
@pytest.mark.parametrize("proxies", [0, 1])
def test_a_forwarded_request_is_not_from_this_machine(
    client: Client, settings: Settings, header: str, proxies: int
) -> None:
    settings.TRUSTED_PROXIES = proxies
    for value in ("127.0.0.1", "203.0.113.9", ""):
        assert client.get("/metrics", headers={header: value}).status_code == 404


def test_a_password_lets_others_in(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "hunter2"
    assert client.get("/metrics").status_code == 401
    for password, status in (("hunter2", 200), ("hunter3", 401), ("", 401)):
        given = base64.b64encode(f"prometheus:{password}".encode()).decode()
        answer = client.get("/metrics", REMOTE_ADDR="10.0.0.7", headers={"authorization": f"Basic {given}"})
        assert answer.status_code == status
    assert client.get("/metrics", headers={"authorization": "Basic %%%"}).status_code == 401
