"""A model server of this machine is offered first, with its models, and only while it answers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agentforge import found_servers, outbound
from agentforge.accounts.models import User
from agentforge.model_servers import ModelServer
from configs.draft_check import check_draft
from configs.models import AgentConfig
from configs.providers import PROVIDERS
from configs.services import new_draft
from tests.drivers.ports import free_port
from tests.standins.ollama import OllamaStandIn

pytestmark = pytest.mark.django_db


@pytest.fixture
def ollama(settings: Settings) -> Iterator[OllamaStandIn]:
    with OllamaStandIn() as server:
        settings.LOCAL_MODEL_SERVERS = (ModelServer("ollama", server.url),)
        yield server


def choices(browser: Client, agent: AgentConfig) -> list[str]:
    page = browser.get(reverse("configs:keys", args=[agent.pk])).content.decode()
    return re.findall(r'name="provider" value="(\w+)"', page)


def test_it_is_offered_first_and_an_agent_uses_it(
    browser: Client, agent: AgentConfig, ollama: OllamaStandIn
) -> None:
    url = reverse("configs:keys", args=[agent.pk])
    remote = [code for code, provider in PROVIDERS.items() if not provider.is_local]
    assert choices(browser, agent) == ["ollama", "local", *remote]
    page = browser.get(url).content.decode()
    assert "Runs on this machine, without a key." in page
    offered = browser.get(
        reverse("configs:model_field", args=[agent.pk]),
        {"provider": "ollama"},
        headers={"Accept": "application/json"},
    ).json()
    assert offered["models"] == ["llama3.2:3b", "qwen3:8b"]
    refused = browser.post(url, {"provider": "ollama", "model": "gpt-x"})
    assert "Ollama does not offer this model" in refused.content.decode()
    assert browser.post(url, {"provider": "ollama", "model": "qwen3:8b"}).status_code == 302
    agent.refresh_from_db()
    assert (agent.provider, agent.model) == ("ollama", "qwen3:8b")
    assert check_draft(agent) == {}
    # A server has no keys to save.
    saved = browser.post(reverse("configs:key_save", args=[agent.pk, "ollama"]), {"key": "sk-x"})
    assert saved.status_code == 404
    tested = browser.post(reverse("configs:key_test", args=[agent.pk, "ollama"]), follow=True)
    assert "Ollama offers 2 models." in tested.content.decode()


def test_one_that_went_away_is_not_offered_and_its_agents_say_so(
    browser: Client, agent: AgentConfig, alice: User, settings: Settings
) -> None:
    with OllamaStandIn() as server:
        settings.LOCAL_MODEL_SERVERS = (ModelServer("ollama", server.url),)
        assert "ollama" in choices(browser, agent)
    cache.clear()
    assert "ollama" not in choices(browser, agent)
    AgentConfig.objects.filter(pk=agent.pk).update(provider="ollama", model="qwen3:8b")
    assert choices(browser, agent)[0] == "ollama"
    page = browser.get(reverse("configs:keys", args=[agent.pk])).content.decode()
    assert "Not answering" in page
    assert "offers no model now" in page
    # After the next start, at which it does not run.
    settings.LOCAL_MODEL_SERVERS = (ModelServer("ollama", f"http://127.0.0.1:{free_port()}/v1"),)
    page = browser.get(reverse("configs:keys", args=[agent.pk])).content.decode()
    assert "does not answer on this machine" in page
    agent.refresh_from_db()
    [message] = check_draft(agent)["keys"]["provider"][:1]
    assert "does not answer on this machine" in message
    settings.LOCAL_MODEL_SERVERS = ()
    page = browser.get(reverse("configs:keys", args=[agent.pk])).content.decode()
    assert "not looked for here (LOCAL_MODEL_SERVERS)" in page


def test_without_the_built_in_model_it_is_a_new_agents_choice(
    alice: User, ollama: OllamaStandIn, settings: Settings
) -> None:
    settings.LOCAL_MODEL = False
    draft = new_draft(alice)
    assert (draft.provider, draft.model) == ("ollama", "llama3.2:3b")
    settings.LOCAL_MODEL = True
    assert new_draft(alice).provider == "local"


def test_nothing_else_of_this_machine_is_reached(ollama: OllamaStandIn, settings: Settings) -> None:
    port = int(ollama.origin.rpartition(":")[2])
    found_servers.look()
    assert outbound.is_allowed("127.0.0.1", port)
    assert not outbound.is_allowed("127.0.0.1", port + 1)
    assert not outbound.is_allowed("127.0.0.2", port)
    settings.LOCAL_MODEL_SERVERS = ()
    with pytest.raises(outbound.RefusedURL):
        outbound.fetch("GET", f"{ollama.url}/models")
