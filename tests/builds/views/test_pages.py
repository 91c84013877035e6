from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from agentforge.accounts.models import User
from agentforge.live import streams
from builds.models import Build
from builds.services import enqueue_build, enqueue_revision
from configs.models import AgentConfig

pytestmark = pytest.mark.django_db


def test_an_empty_list_teaches(browser: Client) -> None:
    page = browser.get(reverse("builds:list"))
    assert "No builds yet" in page.content.decode()


def test_the_list_asks_as_often_for_many_builds_as_for_few(
    browser: Client, agent: AgentConfig, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = enqueue_build(agent, by=alice)
    browser.get(reverse("builds:list"))
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        browser.get(reverse("builds:list"))
    for _ in range(20):
        enqueue_revision(first.revision, by=alice)
    with django_assert_num_queries(len(few)):
        page = browser.get(reverse("builds:list"))
    assert page.content.decode().count("Build ") >= 21


def test_the_tab_offers_to_compile_a_valid_draft(browser: Client, agent: AgentConfig) -> None:
    page = browser.get(reverse("builds:agent", args=[agent.pk])).content.decode()
    assert "The configuration is complete." in page


def test_the_tab_names_what_keeps_a_draft_from_compiling(browser: Client, agent: AgentConfig) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(model="")
    page = browser.get(reverse("builds:agent", args=[agent.pk])).content.decode()
    assert reverse("configs:keys", args=[agent.pk]) in page
    assert "Fix these first" in page


def test_the_tab_says_what_changed_since_the_last_build(
    browser: Client, agent: AgentConfig, alice: User
) -> None:
    enqueue_build(agent, by=alice)
    AgentConfig.objects.filter(pk=agent.pk).update(description="Knows <b>tides</b>")
    page = browser.get(reverse("builds:agent", args=[agent.pk])).content.decode()
    assert "<ins>Knows &lt;b&gt;tides&lt;/b&gt;</ins>" in page


def test_a_queued_build_shows_its_log_and_where_to_go_on(
    browser: Client, agent: AgentConfig, alice: User
) -> None:
    build = enqueue_build(agent, by=alice)
    page = browser.get(build.get_absolute_url()).content.decode()
    position = streams.position(build.stream_name)
    assert f'data-live="build-{build.pk}:{position}"' in page
    assert page.count("requested by alice") == 1


def test_the_raw_log_is_plain_text(browser: Client, agent: AgentConfig, alice: User) -> None:
    build = enqueue_build(agent, by=alice)
    streams.publish(build.stream_name, {"kind": "line", "stream": "err", "text": "<script>", "t": 0})
    answer = browser.get(reverse("builds:log", args=[build.pk]))
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert b"".join(answer).decode().splitlines()[-1] == "1970-01-01T00:00:00.000Z err <script>"


def test_scripts_get_json(browser: Client, agent: AgentConfig, alice: User) -> None:
    build = enqueue_build(agent, by=alice)
    answer = browser.get(build.get_absolute_url(), headers={"accept": "application/json"}).json()
    assert answer["build"]["status"] == "queued"
    assert answer["build"]["channel"] == build.stream_name


@pytest.mark.parametrize("name", ["detail", "log", "download"])
def test_a_foreign_build_does_not_exist(
    name: str, agent: AgentConfig, alice: User, bob: User, client_of: Callable[[User], Client]
) -> None:
    build = enqueue_build(agent, by=alice)
    assert client_of(bob).get(reverse(f"builds:{name}", args=[build.pk])).status_code == 404


def test_the_header_counts_what_runs(browser: Client, agent: AgentConfig, alice: User) -> None:
    build: Build = enqueue_build(agent, by=alice)
    page = browser.get(reverse("builds:list")).content.decode()
    assert "1 build under way" in page
    assert f"build-{build.pk}:" in page
