from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from configs.models import AgentConfig
from configs.presets import PRESET_VALUES
from configs.services import create_agent
from tests.standins.anthropic import AnthropicStandIn
from tests.standins.openai import OpenAIStandIn


@pytest.fixture
def agent(alice: User) -> AgentConfig:
    """Alice's agent, on the local model."""
    values = {**PRESET_VALUES["balanced"], "provider": "local", "model": "smollm2-135m"}
    return create_agent(AgentConfig(owner=alice, name="Ada", handle="ada", **values))


@pytest.fixture
def with_tools(agent: AgentConfig) -> None:
    """Give the agent a provider that can use tools."""
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="gpt-x")
    agent.refresh_from_db()


@pytest.fixture
def browser(alice: User, client_of: Callable[[User], Client]) -> Client:
    """Alice's signed-in client."""
    return client_of(alice)


@pytest.fixture(autouse=True)
def no_local_model(settings: Settings) -> None:
    """Point the local model at a closed port, whatever runs on this machine."""
    settings.LOCAL_MODEL_URL = "http://127.0.0.1:9/v1"


@pytest.fixture
def openai(settings: Settings) -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as server:
        settings.AGENTFORGE_OPENAI_URL = server.url
        yield server


@pytest.fixture
def anthropic(settings: Settings) -> Iterator[AnthropicStandIn]:
    with AnthropicStandIn() as server:
        settings.AGENTFORGE_ANTHROPIC_URL = server.url
        yield server


@pytest.fixture
def compatible(settings: Settings) -> Iterator[OpenAIStandIn]:
    """A server of somebody's own, on an address that the operator allowed."""
    with OpenAIStandIn() as server:
        settings.AGENTFORGE_ALLOWED_HOSTS = [server.origin.removeprefix("http://")]
        yield server


@pytest.fixture
def local_model(settings: Settings, no_local_model: None) -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn(needs_key=False) as server:
        server.models = ["smollm2-135m"]
        settings.LOCAL_MODEL_URL = server.url
        yield server
