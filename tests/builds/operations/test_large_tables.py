"""What is done every few minutes finds its rows by an index, however many others there are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.live.models import Stream
from agentforge.queue import shares
from builds import recovery
from builds.models import (
    Build,
    BuildStatus,
    BuildVerification,
    ChatMessage,
    EvaluationRun,
)
from builds.operations import pruning
from builds.queue import jobs
from builds.trial import places
from configs import recovery as check_recovery
from configs.choices import RunStatus
from configs.knowledge import reading
from configs.models import AgentConfig, FileState, KnowledgeFile, ProcessRun
from configs.revisions import create_revision
from deployments.models import Deployment, DeploymentStatus, Site
from deployments.run import recovery as deployment_recovery
from tests.drivers.query_plans import tables_read_whole

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
    build = Build.objects.create(owner=alice, revision=revision, status=BuildStatus.SUCCEEDED)
    BuildVerification.objects.bulk_create(
        BuildVerification(owner=alice, build=build, status="same") for _ in range(MANY)
    )
    EvaluationRun.objects.bulk_create(
        EvaluationRun(owner=alice, agent=agent, status="passed", trials=1) for _ in range(MANY)
    )
    ProcessRun.objects.bulk_create(
        ProcessRun(owner=alice, agent=agent, status=RunStatus.READY) for _ in range(MANY)
    )
    KnowledgeFile.objects.bulk_create(
        KnowledgeFile(owner=alice, agent=agent, name=f"{n}.txt", state=FileState.READY) for n in range(MANY)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, lock)"
            " SELECT 'trials', 'answer', '{}', 'succeeded', 'slot ' || mod(n, 7)"
            " FROM generate_series(1, %s) AS n",
            [MANY],
        )
        cursor.execute(
            "ANALYZE builds_chatmessage, live_stream, deployments_deployment,"
            " builds_buildverification, builds_evaluationrun, configs_processrun, configs_knowledgefile,"
            " procrastinate_jobs, procrastinate_events"
        )


def _prune_logs() -> list[pruning.Amount]:
    moment = pruning.Moment(timezone.now() - timedelta(days=1))
    return list(pruning.steps()["logs"](moment, True))


LARGE = {
    *("builds_chatmessage", "live_stream", "deployments_deployment"),
    *("builds_buildverification", "builds_evaluationrun", "configs_processrun", "configs_knowledgefile"),
}


@pytest.mark.parametrize(
    "upkeep",
    [recovery.recover, deployment_recovery.recover, check_recovery.recover, reading.recover, _prune_logs],
)
def test_upkeep_reads_no_large_table_from_end_to_end(upkeep: Callable[[], object]) -> None:
    with CaptureQueriesContext(connection) as queries:
        upkeep()
    assert any(table in query["sql"] for query in queries for table in LARGE)
    assert LARGE & set(tables_read_whole(queries)) == set()


def _enqueue() -> int:
    return shares.defer(jobs.CHATS, jobs.ANSWER, uuid4(), message_id=1)


def _places() -> int:
    _enqueue()
    return places.publish_places()


@pytest.mark.parametrize("look", [_enqueue, _places])
def test_what_waits_is_found_among_many_jobs_that_ended(look: Callable[[], object]) -> None:
    with CaptureQueriesContext(connection) as queries:
        look()
    assert any("procrastinate_jobs" in query["sql"] for query in queries)
    assert {"procrastinate_jobs", "procrastinate_events"} & set(tables_read_whole(queries)) == set()
