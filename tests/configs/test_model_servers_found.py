"""A model server that starts after the forge is found when a page offers models, at most once a minute."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from agentforge import found_servers, outbound
from agentforge.model_servers import ModelServer
from configs import validation
from configs.models import AgentConfig
from tests.drivers.ports import free_port
from tests.standins.ollama import OllamaStandIn
from tests.standins.openai import OpenAIStandIn

from .test_model_servers import choices

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(settings: Settings) -> int:
    """A port where an Ollama is looked for, and where nothing listens."""
    port = free_port()
    settings.LOCAL_MODEL_SERVERS = (ModelServer("ollama", f"http://127.0.0.1:{port}/v1"),)
    return port


@pytest.fixture(scope="module")
def running() -> Iterator[ModelServer]:
    """An Ollama that runs as long as the tests of this module."""
    with OllamaStandIn() as server:
        yield ModelServer("ollama", server.url)


@pytest.mark.parametrize("turn", ["first", "second"])
def test_what_a_test_finds_is_not_known_to_the_next(
    browser: Client, agent: AgentConfig, settings: Settings, running: ModelServer, turn: str
) -> None:
    settings.LOCAL_MODEL_SERVERS = (running,)
    assert found_servers.found() == []
    assert "ollama" in choices(browser, agent)


def test_one_that_starts_later_is_offered_within_a_minute(
    browser: Client, agent: AgentConfig, place: int
) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        assert "ollama" not in choices(browser, agent)
        assert not outbound.is_allowed("127.0.0.1", place)
        with OllamaStandIn(port=place) as server:
            clock.shift(timedelta(seconds=59))
            assert "ollama" not in choices(browser, agent)
            assert server.asked == []
            clock.shift(timedelta(seconds=2))
            assert choices(browser, agent)[0] == "ollama"
            url = reverse("configs:keys", args=[agent.pk])
            assert browser.post(url, {"provider": "ollama", "model": "qwen3:8b"}).status_code == 302
            agent.refresh_from_db()
            validation.validate_draft(validation.start_run(agent).pk)
            assert outbound.is_allowed("127.0.0.1", place)


def test_a_program_that_has_not_looked_yet_reaches_one(place: int) -> None:
    with OllamaStandIn(port=place):
        with pytest.raises(outbound.RefusedURL):
            outbound.resolve("127.0.0.1", place, for_tool=True)
        assert outbound.resolve("127.0.0.1", place) == ["127.0.0.1"]


def test_a_document_may_name_one_that_no_page_has_looked_for(browser: Client, place: int) -> None:
    document = "{identity: {name: Ada}, provider: {code: ollama, model: 'qwen3:8b'}}"
    sent = {"document": document}
    with OllamaStandIn(port=place):
        response = browser.post("/agents/import/", sent, headers={"accept": "application/json"})
    assert response.status_code == 201, response.content
    assert AgentConfig.objects.get(pk=response.json()["id"]).provider == "ollama"


def test_what_is_no_model_server_stays_out_of_reach(
    browser: Client, agent: AgentConfig, settings: Settings
) -> None:
    with OpenAIStandIn(needs_key=False) as other:
        settings.LOCAL_MODEL_SERVERS = (ModelServer("llama_cpp", other.url),)
        assert "llama_cpp" not in choices(browser, agent)
        with pytest.raises(outbound.RefusedURL):
            outbound.fetch("GET", f"{other.url}/models")


def test_a_silent_port_holds_a_page_up_once(
    browser: Client, agent: AgentConfig, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(found_servers, "SECONDS", 0.5)
    url = reverse("configs:keys", args=[agent.pk])
    browser.get(url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        settings.LOCAL_MODEL_SERVERS = (ModelServer("lm_studio", silent),)
        assert browser.get(url).status_code == 200
        listener.settimeout(5)
        listener.accept()[0].close()
        assert browser.get(url).status_code == 200
        # It was not asked again.
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
