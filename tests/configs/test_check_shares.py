"""Checks of one person's drafts leave slots to others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from configs.keys.vault import save_key
from configs.models import AgentConfig, ProcessRun
from configs.presets import PRESET_VALUES
from configs.services import create_agent
from configs.validation import start_run
from tests.drivers.build_stream import wait_for
from tests.drivers.build_worker import WorkerProcess
from tests.standins.openai import OpenAIStandIn

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "sk-test-0123456789abcdef"


@pytest.fixture
def slow_provider(settings: Settings) -> Iterator[OpenAIStandIn]:
    """A provider that answers no key test until it may go on."""
    settings.MOST_RUNNING_CHECKS = 2
    with OpenAIStandIn(KEY) as server:
        settings.AGENTFORGE_OPENAI_URL = server.url
        server.go_on.clear()
        yield server
        server.go_on.set()


def test_checks_of_one_person_leave_slots_to_others(
    slow_provider: OpenAIStandIn, alice: User, bob: User
) -> None:
    hers = [_agent(alice, number) for number in range(4)]
    his = _agent(bob, 0)
    for agent in (*hers, his):
        start_run(agent)
    with WorkerProcess(queues="process", concurrency=3, AGENTFORGE_OPENAI_URL=slow_provider.url):
        wait_for(his.stream_name, _has("running"))
        for agent in hers[:2]:
            wait_for(agent.stream_name, _has("running"))
        assert ProcessRun.objects.filter(owner=alice, status="running").count() == 2
        slow_provider.go_on.set()
        for agent in (*hers, his):
            wait_for(agent.stream_name, _has("ready"))


def _agent(owner: User, number: int) -> AgentConfig:
    save_key(owner, "openai", KEY)
    values: dict[str, Any] = {**PRESET_VALUES["balanced"], "provider": "openai", "model": "gpt-x"}
    return create_agent(AgentConfig(owner=owner, name=f"Ada {number}", handle=f"ada-{number}", **values))


def _has(status: str) -> Any:
    return lambda record: record["kind"] == "process" and record.get("status") == status
