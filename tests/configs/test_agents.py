from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.live import streams
from configs.choices import Tab
from configs.models import AgentConfig
from configs.validation import tab_problems
from tests.standins.openai import OpenAIStandIn

NEW = {"name": "Ada", "handle": "", "type": "analyst", "version": "1.0.0"}


def test_new_agent_needs_a_name_only_and_runs_on_the_local_model(
    browser: Client, local_model: OpenAIStandIn
) -> None:
    response = browser.post("/agents/new/", NEW)
    agent = AgentConfig.objects.get()
    assert response.headers["Location"] == f"/agents/{agent.pk}/keys/"
    assert (agent.handle, agent.provider, agent.model) == ("ada", "local", "smollm2-135m")
    assert streams.position(agent.stream_name) == 0
    assert {tab: tab_problems(agent, tab)[0] for tab in Tab} == {tab: {} for tab in Tab}


def test_a_version_is_given_to_a_new_agent_that_has_none(browser: Client) -> None:
    response = browser.post("/agents/new/", {**NEW, "version": ""})
    assert response.status_code == 302
    assert AgentConfig.objects.get().version == "0.1.0"


def test_without_a_local_model_no_provider_is_chosen(browser: Client, settings: Settings) -> None:
    settings.LOCAL_MODEL = False
    browser.post("/agents/new/", NEW)
    assert AgentConfig.objects.get().provider == ""


def test_new_agent_that_is_wrong_keeps_what_was_typed(browser: Client) -> None:
    assert browser.get("/agents/new/").status_code == 200
    response = browser.post("/agents/new/", {**NEW, "description": "Kept.", "version": "one"})
    page = response.content.decode()
    assert response.status_code == 422
    assert "Kept." in page
    assert "Use a semantic version" in page
    assert not AgentConfig.objects.exists()


def test_scripts_make_agents_from_json(browser: Client) -> None:
    sent = {"name": "Ada", "type": "analyst"}
    headers = {"Accept": "application/json"}
    response = browser.post("/agents/new/", sent, content_type="application/json", headers=headers)
    assert response.status_code == 201
    assert response.json()["handle"] == "ada"
    listed = browser.get("/agents/", headers=headers).json()["agents"]
    assert [agent["id"] for agent in listed] == [response.json()["id"]]


def test_copy_has_the_next_handle_and_the_same_content(browser: Client, agent: AgentConfig) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(name="x" * 100, tools=["clock"], custom_instructions="Hm.")
    response = browser.post(f"/agents/{agent.pk}/duplicate/")
    copy = AgentConfig.objects.get(handle="ada-2")
    assert response.headers["Location"] == copy.get_absolute_url()
    assert (copy.tools, copy.custom_instructions) == (["clock"], "Hm.")
    assert copy.name == "x" * 100
    assert streams.position(copy.stream_name) == 0


@pytest.mark.parametrize("action", ["duplicate", "archive", "delete"])
def test_nobody_else_may(
    agent: AgentConfig, bob: User, client_of: Callable[[User], Client], action: str
) -> None:
    assert client_of(bob).post(f"/agents/{agent.pk}/{action}/", {"handle": "ada"}).status_code == 404
    assert AgentConfig.objects.filter(archived_at=None, trashed_at=None).count() == 1


@pytest.mark.parametrize("path", ["/agents/", "/agents/new/"])
def test_sign_in_comes_first(client: Client, db: None, path: str) -> None:
    assert client.get(path).status_code == 302
