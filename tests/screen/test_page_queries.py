"""The number of queries of an agent's pages, those of the session and the transaction included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from agentforge.accounts.models import User
from builds.models import Build, BuildStatus, BuildTarget
from configs.models import AgentConfig
from configs.services import duplicate_agent
from deployments.models import Site
from tests.deployments.finished_builds import build_of

pytestmark = pytest.mark.django_db

# BEGIN, COMMIT, the role of the transaction and three of the session are among them.
MOST = {
    "configs:identity": 13,
    "configs:keys": 14,
    "configs:personality": 13,
    "configs:capabilities": 13,
    "builds:agent": 16,
    "builds:try": 18,
}
# The files and targets of its rows.
MORE_WITH_BUILDS = {"builds:agent": 3}


def _queries(browser: Client, url: str) -> list[str]:
    browser.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(url).status_code == 200
    return [query["sql"] for query in queries]


@pytest.mark.parametrize("page", MOST)
def test_a_page_of_an_agent_asks_no_more_than_it_needs(
    client_of: Callable[[User], Client], agent: AgentConfig, alice: User, page: str
) -> None:
    asked = _queries(client_of(alice), reverse(page, args=[agent.pk]))
    assert len(asked) <= MOST[page], "\n".join(asked)
    read = Counter(query for query in asked if " FROM " in query)
    assert [query for query, times in read.items() if times > 1] == []


@pytest.mark.parametrize("page", MOST)
def test_builds_and_sites_cost_a_page_few_more(
    client_of: Callable[[User], Client], agent: AgentConfig, alice: User, page: str
) -> None:
    for number in range(3):
        build_of(agent, alice, f"Round {number}")
        Site.objects.create(owner=alice, agent=agent, remote_id=f"s{number}", name=f"twin-{number}")
    asked = _queries(client_of(alice), reverse(page, args=[agent.pk]))
    assert len(asked) <= MOST[page] + MORE_WITH_BUILDS.get(page, 0), "\n".join(asked)


def _rows_read(plan: dict[str, Any]) -> int:
    """Return how many rows of builds and their targets a plan's scans have read."""
    own = 0
    if plan.get("Relation Name", "").startswith("builds_build"):
        own = int(plan["Actual Loops"] * (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)))
    return own + sum(map(_rows_read, plan.get("Plans", ())))


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
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE builds_build, builds_buildtarget, configs_revision")
        asked = _queries(client_of(alice), reverse(page, args=[] if page == "configs:list" else [agent.pk]))
        of_builds = [query for query in asked if "builds_build" in query]
        assert of_builds
        for query in of_builds:
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
