"""The header of every page shows unfinished builds."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from agentforge.accounts.models import User
from builds.context_processors import MOST_FOLLOWED
from builds.services import enqueue_build
from configs.models import AgentConfig

pytestmark = pytest.mark.django_db


def test_it_counts_all_and_follows_a_few(browser: Client, agent: AgentConfig, alice: User) -> None:
    for _ in range(MOST_FOLLOWED + 1):
        enqueue_build(agent, by=alice)
    page = browser.get("/agents/").content.decode()
    assert f"{MOST_FOLLOWED + 1} builds under way" in page
    followed = re.search(r'data-part="work" data-state="running" data-live="([^"]*)"', page)
    assert followed is not None
    assert len(followed[1].split()) == MOST_FOLLOWED


def test_it_tells_nobody_of_anothers(
    agent: AgentConfig, alice: User, bob: User, browser: Client, client_of: Callable[[User], Client]
) -> None:
    enqueue_build(agent, by=alice)
    assert "1 build under way" in browser.get("/agents/").content.decode()
    assert "1 build under way" not in client_of(bob).get("/agents/").content.decode()
