from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agentforge.accounts.models import User
from configs.models import AgentConfig


def make(owner: User, count: int) -> None:
    AgentConfig.objects.bulk_create(
        AgentConfig(owner=owner, name=f"Agent {n}", handle=f"agent-{n}") for n in range(count)
    )


def test_home_leads_to_the_list(browser: Client) -> None:
    assert browser.get("/", follow=True).redirect_chain == [("/agents/", 302)]


def test_empty_list_has_one_button(browser: Client) -> None:
    page = browser.get("/agents/").content.decode()
    assert "No agents yet" in page
    assert page.count('href="/agents/new/"') == 1


def test_lists_own_agents_only(browser: Client, alice: User, bob: User) -> None:
    AgentConfig.objects.create(owner=alice, name="Mine", handle="mine")
    AgentConfig.objects.create(owner=bob, name="Theirs", handle="theirs")
    page = browser.get("/agents/").content.decode()
    assert "Mine" in page
    assert "Theirs" not in page


@pytest.mark.parametrize("words", ["ada", "ADA", "poet"])
def test_search_finds_name_and_description(browser: Client, alice: User, words: str) -> None:
    AgentConfig.objects.create(owner=alice, name="Ada", handle="ada", description="A poet")
    AgentConfig.objects.create(owner=alice, name="Bert", handle="bert")
    page = browser.get("/agents/", {"q": words}).content.decode()
    assert "/identity/" in page
    assert "Bert" not in page


@pytest.mark.parametrize("words", ["\0", "%", "'; --", "x" * 10_000, "\u202e", "{{"])
def test_search_survives_any_words(browser: Client, words: str) -> None:
    assert browser.get("/agents/", {"q": words, "page": words}).status_code == 200


def test_number_of_queries_does_not_grow(browser: Client, alice: User) -> None:
    counts = []
    for size in (2, 40):
        make(alice, size)
        with CaptureQueriesContext(connection) as queries:
            browser.get("/agents/")
        counts.append(len(queries))
        AgentConfig.objects.all().delete()
    assert counts[0] == counts[1]
