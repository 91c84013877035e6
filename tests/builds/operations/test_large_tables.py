"""What is done every few minutes finds its rows by an index, however many others there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.live.models import Stream
from builds import recovery
from builds.models import ChatMessage
from builds.operations import pruning
from configs.models import AgentConfig
from configs.revisions import create_revision
from deployments.models import Deployment, DeploymentStatus, Site
from deployments.run import recovery as deployment_recovery

pytestmark = pytest.mark.django_db
MANY = 5_000


@pytest.fixture(autouse=True)
def many(agent: AgentConfig, alice: User) -> None:
    """Store finished rows of each kind, and tell the planner."""
    revision = create_revision(agent)
    site = Site.objects.create(owner=alice, agent=agent, remote_id="s", name="s")
    now = timezone.now()
    ChatMessage.objects.bulk_create(
        ChatMessage(owner=alice, agent=agent, role="user", content="hello") for _ in range(MANY)
    )
    Stream.objects.bulk_create(Stream(name=f"build-{n}", owner=alice, closed_at=now) for n in range(MANY))
    Deployment.objects.bulk_create(
        Deployment(
            owner=alice,
            site=site,
            revision=revision,
            title=f"deploy-{n}",
            status=DeploymentStatus.SUCCEEDED,
        )
        for n in range(MANY)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE builds_chatmessage, live_stream, deployments_deployment")


def _prune_logs() -> list[pruning.Amount]:
    moment = pruning.Moment(timezone.now() - timedelta(days=1))
    return list(pruning.steps()["logs"](moment, True))


def _read_whole(queries: CaptureQueriesContext) -> Iterator[str]:
    """Yield the tables that PostgreSQL would read from end to end."""
    with connection.cursor() as cursor:
        for query in queries.captured_queries:
            if re.match("SELECT|UPDATE|DELETE", query["sql"]):
                cursor.execute(f"EXPLAIN {query['sql']}")
                yield from re.findall(r"Seq Scan on (\w+)", str(cursor.fetchall()))


@pytest.mark.parametrize("upkeep", [recovery.recover, deployment_recovery.recover, _prune_logs])
def test_upkeep_reads_no_large_table_from_end_to_end(upkeep: Callable[[], object]) -> None:
    with CaptureQueriesContext(connection) as queries:
        upkeep()
    assert queries.captured_queries
    assert {"builds_chatmessage", "live_stream", "deployments_deployment"}.isdisjoint(_read_whole(queries))
