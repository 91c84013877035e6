from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from configs.choices import Tab
from configs.models import AgentConfig
from tests.standins.openai import OpenAIStandIn

SMALL = "A small model that runs here without a key: good for trying, not for facts."

VALID: dict[str, dict[str, Any]] = {
    "identity": {
        "name": "Grace",
        "handle": "grace",
        "type": "technical",
        "description": "Compiles.",
        "version": "2.0.0-rc.1",
    },
    "keys": {"provider": "openai", "model": "gpt-x"},
    "personality": {
        "preset": "mentor",
        "traits": ["patient", "candid"],
        "communication_style": "socratic",
        "tone": "warm",
        "response_length": "brief",
        "creativity": "0.25",
        "custom_instructions": "Say what you mean.",
    },
    "capabilities": {
        "memory": "on",
        "memory_turns": "3",
        "tools": [],
        "tool_rounds": "2",
        "time_limit_seconds": "30",
        "memory_limit_mb": "256",
    },
    "knowledge": {"knowledge_trusted": ""},
}
INVALID: dict[str, tuple[str, Any, str]] = {
    "identity": ("version", "1.0", "Use a semantic version"),
    "keys": ("model", "", "Choose a model"),
    "personality": ("creativity", "1.5", "less than or equal to 1"),
    "capabilities": ("memory_turns", "51", "less than or equal to 50"),
    "knowledge": ("knowledge_trusted", "perhaps", "true or false"),
}


def url(agent: AgentConfig, tab: str) -> str:
    return f"/agents/{agent.pk}/{tab}/"


@pytest.mark.parametrize("tab", Tab)
def test_shows_the_form_the_rail_and_the_prompt(browser: Client, agent: AgentConfig, tab: str) -> None:
    response = browser.get(url(agent, tab))
    page = response.content.decode()
    assert response.status_code == 200
    assert 'id="tab-form"' in page
    assert page.count('class="rail-item"') >= 4
    assert "You are Ada." in page


@pytest.mark.parametrize("tab", Tab)
def test_saves_and_redirects(browser: Client, agent: AgentConfig, tab: str) -> None:
    response = browser.post(url(agent, tab), VALID[tab])
    assert (response.status_code, response.headers.get("Location")) == (302, url(agent, tab))
    saved: dict[str, Any] = {**AgentConfig.objects.values().get(pk=agent.pk)}
    for name, value in VALID[tab].items():
        kept = saved[name]
        if isinstance(kept, bool):
            kept = "on" if kept else ""
        assert sorted(kept) == sorted(value) if isinstance(value, list) else str(kept) == value


@pytest.mark.parametrize("tab", Tab)
def test_keeps_what_was_typed_beside_the_message(browser: Client, agent: AgentConfig, tab: str) -> None:
    name, wrong, message = INVALID[tab]
    response = browser.post(url(agent, tab), {**VALID[tab], name: wrong})
    page = response.content.decode()
    assert response.status_code == 422
    assert message in page
    assert "<!doctype html>" in page
    before = AgentConfig.objects.values().get(pk=agent.pk)
    assert before["name"] == "Ada"


@pytest.mark.parametrize("tab", Tab)
def test_htmx_gets_the_form_alone(browser: Client, agent: AgentConfig, tab: str) -> None:
    name, wrong, message = INVALID[tab]
    headers = {"HX-Request": "true"}
    refused = browser.post(url(agent, tab), {**VALID[tab], name: wrong}, headers=headers)
    saved = browser.post(url(agent, tab), VALID[tab], headers=headers)
    assert (refused.status_code, saved.status_code) == (422, 200)
    for response in (refused, saved):
        assert response.content.decode().lstrip().startswith('<form class="form" id="tab-form"')
    assert message in refused.content.decode()
    assert "Saved <time" in saved.content.decode()


@pytest.mark.parametrize("tab", Tab)
def test_scripts_send_and_get_json(browser: Client, agent: AgentConfig, tab: str) -> None:
    name, wrong, message = INVALID[tab]
    wrong_value = (
        float(str(wrong)) if name == "creativity" else int(str(wrong)) if name == "memory_turns" else wrong
    )
    headers = {"Accept": "application/json"}
    refused = browser.post(
        url(agent, tab), {name: wrong_value, "colour": 1}, content_type="application/json", headers=headers
    )
    assert refused.status_code == 422
    answer = refused.json()
    assert answer["success"] is False
    assert message in " ".join(answer["errors"][name])
    assert answer["errors"]["colour"] == ["unknown field"]
    shown = browser.get(url(agent, tab), headers=headers).json()
    assert shown["success"] is True
    again = {key: value for key, value in shown.items() if key not in ("success", "errors", "files")}
    saved = browser.post(url(agent, tab), again, content_type="application/json", headers=headers)
    shown.pop("files", None)
    assert (saved.status_code, saved.json()) == (200, shown)


@pytest.mark.parametrize(
    "body", ["{", "[]", "null", '{"a": NaN}', '{"name": "x", "name": "y"}', "[" * 100_000]
)
def test_wrong_json_is_said_to_be_wrong(browser: Client, agent: AgentConfig, body: str) -> None:
    response = browser.post(
        url(agent, "identity"), body, content_type="application/json", headers={"Accept": "application/json"}
    )
    assert response.status_code == 400
    assert response.json()["errors"]["__all__"]


def test_json_of_the_wrong_type_is_named(browser: Client, agent: AgentConfig) -> None:
    sent = {"name": 5, "description": {"a": 1}, "type": None}
    response = browser.post(
        url(agent, "identity"),
        json.dumps(sent),
        content_type="application/json",
        headers={"Accept": "application/json"},
    )
    assert response.status_code == 422
    assert (
        dict.fromkeys(sent, "must be text").items()
        == {name: result[0] for name, result in response.json()["errors"].items()}.items()
    )


@pytest.mark.parametrize("tab", [*Tab, "preview", "delete"])
def test_somebody_elses_agent_does_not_exist(
    agent: AgentConfig, bob: User, client_of: Callable[[User], Client], tab: str
) -> None:
    assert client_of(bob).get(url(agent, tab)).status_code == 404


def test_saving_one_tab_leaves_another_alone(browser: Client, agent: AgentConfig) -> None:
    form_page = browser.get(url(agent, "identity"))
    assert form_page.status_code == 200
    browser.post(url(agent, "personality"), VALID["personality"])
    browser.post(url(agent, "identity"), VALID["identity"])
    saved = AgentConfig.objects.get(pk=agent.pk)
    assert (saved.name, saved.tone) == ("Grace", "warm")


def test_saving_nothing_new_is_no_change(browser: Client, agent: AgentConfig) -> None:
    browser.post(url(agent, "personality"), VALID["personality"])
    first = AgentConfig.objects.get(pk=agent.pk).updated_at
    browser.post(url(agent, "personality"), VALID["personality"])
    assert AgentConfig.objects.get(pk=agent.pk).updated_at == first


def test_preset_fills_in_the_form_and_saves_nothing(browser: Client, agent: AgentConfig) -> None:
    sent = {**VALID["personality"], "preset": "imaginative", "custom_instructions": "Kept words"}
    page = browser.post(url(agent, "personality") + "preset/", sent).content.decode()
    assert "Imaginative is filled in" in page
    assert "Kept words" in page
    assert 'value="0.9"' in page
    assert AgentConfig.objects.get(pk=agent.pk).preset == "balanced"


def test_unknown_preset_is_refused(browser: Client, agent: AgentConfig) -> None:
    response = browser.post(url(agent, "personality") + "preset/", {**VALID["personality"], "preset": "\0"})
    assert response.status_code == 422


def test_preview_shows_what_is_typed_and_saves_nothing(browser: Client, agent: AgentConfig) -> None:
    sent = {**VALID["personality"], "custom_instructions": "Speak in rhymes.", "tone": "no such tone"}
    page = browser.post(url(agent, "preview") + "?tab=personality", sent).content.decode()
    assert "Speak in rhymes." in page
    assert "Keep a neutral tone." in page
    assert AgentConfig.objects.get(pk=agent.pk).custom_instructions == ""


def test_preview_of_the_saved_draft(browser: Client, agent: AgentConfig) -> None:
    shown = browser.get(url(agent, "preview"), headers={"Accept": "application/json"}).json()
    assert shown["text"].startswith("You are Ada.")
    assert shown["tokens"] > 50


@pytest.mark.parametrize("local", [True, False])
def test_local_model_is_offered_only_when_it_runs(
    browser: Client, agent: AgentConfig, settings: Settings, local: bool
) -> None:
    settings.LOCAL_MODEL = local
    page = browser.get(url(agent, "keys")).content.decode()
    assert ('value="local"' in page) is local
    assert ("LOCAL_MODEL=0" in page) is not local


def test_the_page_says_what_the_built_in_model_is_good_for(
    browser: Client, agent: AgentConfig, local_model: OpenAIStandIn
) -> None:
    assert SMALL in browser.get(url(agent, "keys")).content.decode()
    cache.clear()
    local_model.models = ["Qwen3-4B-Q4_K_M"]
    page = browser.get(url(agent, "keys")).content.decode()
    assert "Qwen3-4B-Q4_K_M" in page
    assert SMALL not in page


def test_tools_are_offered_where_the_provider_can_use_them(browser: Client, agent: AgentConfig) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai")
    sent = {**VALID["capabilities"], "tools": ["clock", "calculator"]}
    assert browser.post(url(agent, "capabilities"), sent).status_code == 302
    assert AgentConfig.objects.get(pk=agent.pk).tools == ["calculator", "clock"]


def test_tools_are_refused_where_the_provider_can_not(browser: Client, agent: AgentConfig) -> None:
    reason = "Local model can&#x27;t use tools."
    assert reason in browser.get(url(agent, "capabilities")).content.decode()
    refused = browser.post(url(agent, "capabilities"), {**VALID["capabilities"], "tools": ["clock"]})
    assert refused.status_code == 422
    assert reason in refused.content.decode()


def test_a_tool_that_this_forge_does_not_have_breaks_no_page(browser: Client, agent: AgentConfig) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(tools=["calculator", "of-another-version"])
    for tab in Tab:
        assert browser.get(f"/agents/{agent.pk}/{tab}/").status_code == 200
