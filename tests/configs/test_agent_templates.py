from __future__ import annotations

import re

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from configs.agent_templates import agent_templates
from configs.choices import Tab
from configs.models import AgentConfig
from configs.validation import tab_problems
from tests.standins.openai import OpenAIStandIn

SLUGS = sorted(agent_templates())


def test_the_page_asks_for_a_name_and_one_sentence(browser: Client) -> None:
    page = browser.get("/agents/new/").content.decode()
    labels = re.findall(r'class="field-label" for="id_(\w+)"', page.split('<details class="more"')[0])
    assert labels == ["name", "description"]
    assert "What should it do?" in page
    assert [slug for slug in SLUGS if f"?template={slug}" not in page] == []


@pytest.mark.parametrize("slug", SLUGS)
def test_a_template_fills_all_tabs(slug: str, browser: Client, local_model: OpenAIStandIn) -> None:
    page = browser.get(f"/agents/new/?template={slug}").content.decode()
    template = agent_templates()[slug]
    assert f'value="{template.name}"' in page
    assert f'name="template" value="{slug}"' in page
    response = browser.post(
        "/agents/new/",
        {"template": slug, "name": "Mine", "description": "", "type": "assistant", "version": "1.0.0"},
    )
    agent = AgentConfig.objects.get()
    assert response.status_code == 302
    assert (agent.name, agent.handle, agent.type) == ("Mine", "mine", "assistant")
    assert agent.custom_instructions == template.document.values["custom_instructions"]
    assert agent.provider == "local"
    assert {tab: tab_problems(agent, tab)[0] for tab in Tab} == {tab: {} for tab in Tab}


def test_scripts_get_the_templates_values_for_omitted_fields(browser: Client) -> None:
    sent = {"name": "Mine", "template": "tutor"}
    headers = {"Accept": "application/json"}
    response = browser.post("/agents/new/", sent, content_type="application/json", headers=headers)
    assert response.status_code == 201
    agent = AgentConfig.objects.get()
    assert (agent.type, agent.preset, agent.memory_turns) == ("specialist", "mentor", 30)


def test_a_name_is_enough(browser: Client) -> None:
    assert browser.post("/agents/new/", {"name": "Mine"}).status_code == 302
    assert browser.post("/agents/new/", {"name": "Taught", "template": "tutor"}).status_code == 302
    types = dict(AgentConfig.objects.values_list("name", "type"))
    assert types == {"Mine": "assistant", "Taught": "specialist"}


def test_they_are_there_whatever_providers_this_forge_offers(browser: Client, settings: Settings) -> None:
    settings.LOCAL_MODEL = False
    agent_templates.cache_clear()
    page = browser.get("/agents/new/?template=tutor").content.decode()
    assert 'name="template" value="tutor"' in page
    browser.post(
        "/agents/new/", {"template": "tutor", "name": "Mine", "type": "assistant", "version": "1.0.0"}
    )
    agent = AgentConfig.objects.get()
    assert (agent.preset, agent.provider == "local") == ("mentor", False)


def test_an_unknown_template_is_refused(browser: Client) -> None:
    assert browser.get("/agents/new/?template=nope").status_code == 200
    response = browser.post("/agents/new/", {"template": "nope", "name": "Mine", "type": "assistant"})
    assert response.status_code == 422
    assert not AgentConfig.objects.exists()


def test_an_error_in_a_folded_field_unfolds_it(browser: Client) -> None:
    page = browser.post("/agents/new/", {"name": "Mine", "type": "assistant", "version": "one"})
    assert '<details class="more" open>' in page.content.decode()
