"""The list of agents says what is going on, and is narrowed, sorted and tidied."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agentforge.accounts.models import User
from builds.models import Build, BuildStatus
from configs.models import AgentConfig
from configs.revisions import create_revision
from configs.services import create_agent


def make(owner: User, name: str, **values: object) -> AgentConfig:
    values = {"provider": "local", "model": "smollm2-135m", **values}
    return create_agent(AgentConfig(owner=owner, name=name, handle=name.lower(), **values))


def build(agent: AgentConfig, status: BuildStatus) -> Build:
    now = timezone.now()
    revision = create_revision(agent)
    return Build.objects.create(
        owner=agent.owner, revision=revision, status=status, started_at=now, finished_at=now
    )


def names(browser: Client, **query: str) -> list[str]:
    page = browser.get("/agents/", query).content.decode()
    return re.findall(r'<td class="table-main">\s*<a [^>]*>([^<]+)</a>', page)


def listed(browser: Client, **query: str) -> list[str]:
    answer = browser.get("/agents/", query, headers={"Accept": "application/json"})
    return [agent["name"] for agent in answer.json()["agents"]]


def test_a_row_says_what_is_going_on(browser: Client, alice: User) -> None:
    last = build(make(alice, "Ada"), BuildStatus.FAILED)
    page = browser.get("/agents/").content.decode()
    assert f"Build {last.pk}" in page
    assert "failed, " in page
    assert "Local model" in page
    for action in ("duplicate", "agent.yaml", "archive", "delete"):
        assert f"/agents/{last.revision.agent_id}/{action}" in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # An agent whose key is missing needs attention too.
        ({"state": "attention"}, ["Failing", "Elsewhere"]),
        ({"state": "draft"}, ["Idle"]),
        ({"state": "built"}, ["Built"]),
        ({"state": "deployed"}, []),
        ({"provider": "openai"}, ["Elsewhere"]),
        ({"provider": "none"}, []),
        ({"provider": "local", "state": "attention"}, ["Failing"]),
        ({"q": "uil"}, ["Built"]),
    ],
)
def test_narrowed(browser: Client, alice: User, query: dict[str, str], expected: list[str]) -> None:
    make(alice, "Elsewhere", provider="openai", model="gpt-4o-mini")
    make(alice, "Idle")
    build(make(alice, "Failing"), BuildStatus.FAILED)
    build(make(alice, "Built"), BuildStatus.SUCCEEDED)
    assert names(browser, **query) == expected
    assert listed(browser, **query) == expected


def test_sorted_by_every_column(browser: Client, alice: User) -> None:
    build(make(alice, "beta"), BuildStatus.SUCCEEDED)
    make(alice, "Gamma", provider="anthropic")
    build(make(alice, "Alpha", provider="openai"), BuildStatus.FAILED)
    assert names(browser) == ["Alpha", "Gamma", "beta"]
    assert names(browser, sort="changed") == ["beta", "Gamma", "Alpha"]
    assert names(browser, sort="name") == ["Alpha", "beta", "Gamma"]
    assert names(browser, sort="-name") == ["Gamma", "beta", "Alpha"]
    assert names(browser, sort="provider") == ["Gamma", "beta", "Alpha"]
    # Never built: last, either way.
    assert names(browser, sort="-build") == ["Alpha", "beta", "Gamma"]
    assert names(browser, sort="build") == ["beta", "Alpha", "Gamma"]
    assert names(browser, sort="state")[-1] == "beta"
    assert names(browser, sort="-state")[0] == "beta"


def test_headers_keep_the_filter_and_say_the_order(browser: Client, alice: User) -> None:
    make(alice, "Ada")
    page = browser.get("/agents/", {"sort": "name", "provider": "local", "page": "1"}).content.decode()
    assert 'aria-sort="ascending"' in page
    assert "?sort=-name&amp;provider=local" in page
    assert page.count("aria-sort") == 1


@pytest.mark.parametrize("query", [{"sort": "password"}, {"state": "x"}, {"provider": "x"}, {"shown": "x"}])
def test_unknown_choices_are_refused_to_scripts_and_ignored_for_people(
    browser: Client, alice: User, query: dict[str, str]
) -> None:
    make(alice, "Ada")
    assert browser.get("/agents/", query, headers={"Accept": "application/json"}).status_code == 422
    assert names(browser, **query) == ["Ada"]


def test_archive_and_back(browser: Client, alice: User) -> None:
    ada = make(alice, "Ada")
    make(alice, "Bert")
    changed = ada.updated_at
    page = browser.post(f"/agents/{ada.pk}/archive/", follow=True).content.decode()
    assert f'action="/agents/{ada.pk}/unarchive/"' in page
    assert "Undo" in page
    assert names(browser) == ["Bert"]
    assert names(browser, shown="archived") == ["Ada"]
    assert sorted(names(browser, shown="all")) == ["Ada", "Bert"]
    assert "Archived" in browser.get(f"/agents/{ada.pk}/identity/").content.decode()
    browser.post(f"/agents/{ada.pk}/unarchive/")
    assert sorted(names(browser)) == ["Ada", "Bert"]
    ada.refresh_from_db()
    assert ada.updated_at == changed


def test_all_archived_is_not_no_agents(browser: Client, alice: User) -> None:
    browser.post(f"/agents/{make(alice, 'Ada').pk}/archive/")
    page = browser.get("/agents/").content.decode()
    assert "All your agents are archived" in page
    assert "No agents yet" not in page


def test_a_copy_of_an_archived_agent_is_not_archived(browser: Client, alice: User) -> None:
    ada = make(alice, "Ada")
    browser.post(f"/agents/{ada.pk}/archive/")
    browser.post(f"/agents/{ada.pk}/duplicate/")
    assert names(browser) == ["Ada"]


@pytest.mark.parametrize("query", [{}, {"state": "draft"}, {"sort": "-build"}])
def test_as_many_queries_for_3_agents_as_for_30(browser: Client, alice: User, query: dict[str, str]) -> None:
    counts = []
    for wanted in (3, 30):
        for number in range(AgentConfig.objects.count(), wanted):
            build(make(alice, f"Agent{number}"), BuildStatus.CANCELLED)
        with CaptureQueriesContext(connection) as queries:
            browser.get("/agents/", query)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_every_agent_of_the_page_is_followed(browser: Client, alice: User) -> None:
    agents = [make(alice, f"Agent{number}") for number in range(30)]
    page = browser.get("/agents/").content.decode()
    followed = re.search(r'data-live="([^"]+)"', page)
    assert followed
    assert {token.split(":")[0] for token in followed[1].split()} == {agent.stream_name for agent in agents}
