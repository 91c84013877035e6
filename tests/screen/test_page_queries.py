"""The number of queries of an agent's pages, those of the session and the transaction included."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from agentforge.accounts.models import User
from agentforge.prepared_queries import SEPARATOR
from agentforge.tenancy.rls import as_user
from builds.models import Build, BuildStatus, BuildTarget, ChatMessage
from configs.models import AgentConfig, Revision
from configs.revisions import create_revision
from configs.services import duplicate_agent
from deployments.models import Deployment, DeploymentStatus, Site
from tests.deployments.finished_builds import build_of

pytestmark = pytest.mark.django_db

# Among them: the session with the sign-in, BEGIN with the role, the agent, its report, and COMMIT.
MOST = {
    "configs:identity": 7,
    "configs:keys": 8,
    "configs:personality": 7,
    "configs:capabilities": 7,
    "builds:agent": 8,
    "builds:try": 8,
}
_LARGE = ("builds_build", "builds_chatmessage", "deployments_deployment")
# The files and targets of its rows.
MORE_WITH_BUILDS = {"builds:agent": 2}


def _queries(browser: Client, url: str) -> list[str]:
    browser.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(url).status_code == 200
    return [query["sql"] for query in queries]


def _too_much(browser: Client, agent: AgentConfig, most: dict[str, int]) -> dict[str, list[str]]:
    """Return what pages ask that ask more than they may, or the same twice."""
    found = {}
    for page in MOST:
        # Nothing that is kept for some seconds is asked for again, however slow the machine is.
        with time_machine.travel(timezone.now(), tick=False):
            asked = _queries(browser, reverse(page, args=[agent.pk]))
        each = [part for query in asked for part in query.split(SEPARATOR) if " FROM " in part]
        if len(asked) > most[page] or len(each) > len(set(each)):
            found[page] = asked
    return found


@pytest.mark.django_db(transaction=True)
def test_a_page_of_an_agent_asks_no_more_than_it_needs(
    client_of: Callable[[User], Client], agent: AgentConfig, alice: User
) -> None:
    browser = client_of(alice)
    assert _too_much(browser, agent, MOST) == {}
    for number in range(3):
        build_of(agent, alice, f"Round {number}")
        Site.objects.create(owner=alice, agent=agent, remote_id=f"s{number}", name=f"twin-{number}")
    with_builds = {page: most + MORE_WITH_BUILDS.get(page, 0) for page, most in MOST.items()}
    assert _too_much(browser, agent, with_builds) == {}


def _rows_read(plan: dict[str, Any]) -> int:
    """Return how many rows of builds, their targets, chats and deployments a plan's scans have read."""
    own = 0
    if plan.get("Relation Name", "").startswith(_LARGE):
        own = int(plan["Actual Loops"] * (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)))
    return own + sum(_rows_read(each) for each in plan.get("Plans", ()))


@pytest.mark.parametrize("page", ["configs:list", "configs:identity"])
def test_a_page_reads_few_of_the_builds_of_an_agent(
    client_of: Callable[[User], Client], agent: AgentConfig, alice: User, page: str
) -> None:
    first = build_of(agent, alice, "Round")
    Build.objects.bulk_create(
        Build(owner=alice, revision=first.revision, status=BuildStatus.SUCCEEDED) for _ in range(3000)
    )
    BuildTarget.objects.bulk_create(
        BuildTarget(owner=alice, build=build, target="plugin", status=BuildStatus.SUCCEEDED)
        for build in Build.objects.exclude(pk=first.pk)
    )
    ChatMessage.objects.bulk_create(
        ChatMessage(owner=alice, agent=agent, build=first, role=ChatMessage.Role.USER) for _ in range(3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE builds_build, builds_buildtarget, configs_revision, builds_chatmessage")
        asked = _queries(client_of(alice), reverse(page, args=[] if page == "configs:list" else [agent.pk]))
        each = [part for query in asked for part in query.split(SEPARATOR)]
        of_builds = [query for query in each if "builds_build" in query]
        assert of_builds
        for query in of_builds:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}")
            assert _rows_read(cursor.fetchone()[0][0]["Plan"]) < 100, query


def test_a_page_reads_few_of_the_deployments_of_a_site(
    client_of: Callable[[User], Client], agent: AgentConfig, alice: User
) -> None:
    others = User.objects.bulk_create(User(email=f"person-{n}@example.com") for n in range(100))
    agents = AgentConfig.objects.bulk_create(
        AgentConfig(owner=owner, name="Ada", handle=f"ada-{n}") for n, owner in enumerate(others)
    )
    others_revisions = Revision.objects.bulk_create(
        Revision(
            owner=each.owner,
            agent=each,
            number=1,
            canonical_json="{}",
            sha256=sha256(b"{}").hexdigest(),
        )
        for each in agents
    )
    revisions = [create_revision(agent), *others_revisions]
    sites = Site.objects.bulk_create(
        Site(owner=each.owner, agent=each, remote_id=f"s{each.pk}", name=f"s{each.pk}", live_remote_id="d0")
        for each in [agent, *agents]
    )
    Deployment.objects.bulk_create(
        Deployment(
            owner=site.owner,
            site=site,
            revision=revision,
            title=f"deploy-{site.pk}-{number}",
            remote_id=f"d{number % 10}",
            status=DeploymentStatus.SUCCEEDED,
        )
        for site, revision in zip(sites, revisions, strict=True)
        for number in range(600 if site.owner == alice else 10)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE deployments_deployment, deployments_site")
        asked = _queries(client_of(alice), reverse("configs:identity", args=[agent.pk]))
        each = [part for query in asked for part in query.split(SEPARATOR)]
        of_sites = [query for query in each if "last_id" in query]
        assert of_sites
        for query in of_sites:
            # As whoever sees the page: the policies add the owner.
            with as_user(alice.pk):
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}")
                assert _rows_read(cursor.fetchone()[0][0]["Plan"]) < 100, query


def test_a_list_asks_as_often_for_many_agents_as_for_one(
    client_of: Callable[[User], Client],
    agent: AgentConfig,
    alice: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    browser, url = client_of(alice), reverse("configs:list")
    asked = len(_queries(browser, url))
    assert asked <= 14
    for _ in range(5):
        build_of(duplicate_agent(agent), alice, "Round")
    with django_assert_num_queries(asked):
        browser.get(url)
