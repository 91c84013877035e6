"""Compiling checks the draft first, and asks for nothing again that passed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.models import Build
from configs import validation
from configs.choices import KeyStatus
from configs.keys import vault
from configs.models import AgentConfig, ApiKey, ProcessRun
from tests.standins.openai import OpenAIStandIn

pytestmark = pytest.mark.django_db


@pytest.fixture
def openai(settings: Settings, agent: AgentConfig) -> Iterator[OpenAIStandIn]:
    """The provider of the agent, whose key is not saved yet."""
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="gpt-x")
    with OpenAIStandIn() as server:
        settings.AGENTFORGE_OPENAI_URL = server.url
        yield server


def compile_(browser: Client, agent: AgentConfig) -> str:
    """Compile an agent and return the page that follows."""
    sent = browser.post(f"/agents/{agent.pk}/compile/", {"targets": "plugin"}, follow=True)
    return sent.content.decode()


def test_a_missing_key_is_refused_by_page_button_and_script(
    browser: Client, agent: AgentConfig, openai: OpenAIStandIn
) -> None:
    page = browser.get(f"/agents/{agent.pk}/builds/").content.decode()
    assert "Fix these first" in page
    assert "No key for OpenAI is saved. Add it on this page." in compile_(browser, agent)
    script = browser.post(f"/agents/{agent.pk}/compile/", headers={"Accept": "application/json"})
    assert script.status_code == 422
    assert list(script.json()["errors"]) == ["keys.provider"]
    assert not Build.objects.exists()


def test_a_key_that_is_refused_now_is_tested_again_and_a_valid_one_is_not(
    browser: Client, agent: AgentConfig, openai: OpenAIStandIn, alice: User
) -> None:
    vault.save_key(alice, "openai", openai.key)
    openai.mode = "invalid"
    assert "OpenAI refused this key (401)." in compile_(browser, agent)
    assert not Build.objects.exists()
    openai.mode = "ok"
    compile_(browser, agent)
    assert Build.objects.count() == 1
    assert ApiKey.objects.get().status == KeyStatus.VALID
    asked = len(openai.asked)
    compile_(browser, agent)
    assert (Build.objects.count(), len(openai.asked)) == (2, asked)


def test_what_passed_stays_passed(browser: Client, agent: AgentConfig, local_model: OpenAIStandIn) -> None:
    validation.validate_draft(validation.start_run(agent).pk)
    compile_(browser, agent)
    assert ProcessRun.objects.count() == 1
    AgentConfig.objects.filter(pk=agent.pk).update(traits=[], memory_turns=99)
    page = compile_(browser, agent)
    assert "Choose at least one trait." in page
    assert page.count('data-state="invalid"') == 2
    assert "2 tabs need attention." in page
    run = ProcessRun.objects.latest("pk")
    assert [step["state"] for step in run.steps] == ["valid", "valid", "invalid", "invalid", "valid"]
