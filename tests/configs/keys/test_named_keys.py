"""Several keys a provider: which one an agent uses, and what its owner does with each."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.test import Client

from agentforge.accounts.models import User
from configs.choices import Tab
from configs.keys import vault
from configs.models import AgentConfig, ApiKey
from configs.revisions import draft_json
from configs.validation import tab_problems
from tests.drivers.pages import shown
from tests.standins.openai import OpenAIStandIn

FIRST, WORK = "sk-the-first-of-alices-0001", "sk-the-second-of-alices-0002"
JSON = {"Accept": "application/json"}


@pytest.fixture
def on_openai(agent: AgentConfig) -> AgentConfig:
    agent.provider, agent.model = "openai", "gpt-x"
    agent.save()
    return agent


@pytest.fixture
def first(alice: User) -> ApiKey:
    return vault.save_key(alice, "openai", FIRST)


@pytest.fixture
def work(alice: User, first: ApiKey) -> ApiKey:
    key = vault.save_key(alice, "openai", WORK, name="Work")
    ApiKey.objects.filter(pk=key.pk).update(models_offered=["gpt-work"])
    return key


def choose(browser: Client, agent: AgentConfig, **sent: Any) -> Any:
    url = f"/agents/{agent.pk}/keys/"
    return browser.post(url, sent, content_type="application/json", headers=JSON)


def given_to(agent: AgentConfig) -> str:
    return vault.environment_for(AgentConfig.objects.get(pk=agent.pk), "openai")["OPENAI_API_KEY"]


def test_an_agent_uses_the_oldest_key_until_one_is_chosen(
    browser: Client, on_openai: AgentConfig, work: ApiKey
) -> None:
    assert given_to(on_openai) == FIRST
    chosen = choose(browser, on_openai, api_key=work.pk, model="gpt-work")
    assert (chosen.status_code, chosen.json()["api_key"]) == (200, work.pk)
    assert given_to(on_openai) == WORK
    assert choose(browser, on_openai, api_key=None, model="gpt-x").json()["api_key"] is None
    assert given_to(on_openai) == FIRST


def test_its_form_offers_the_keys_and_the_models_of_the_chosen_one(
    browser: Client, on_openai: AgentConfig, first: ApiKey, work: ApiKey
) -> None:
    page = shown(browser.get(f"/agents/{on_openai.pk}/keys/"))
    assert f'<option value="{work.pk}">Work …0002</option>' in page
    assert "The oldest: Default …0001" in page
    url = f"/agents/{on_openai.pk}/keys/model/"
    field = shown(browser.get(url, {"provider": "openai", "api_key": str(work.pk)}))
    assert f'<option value="{work.pk}" selected>' in field
    assert '<option value="gpt-work">' in field
    told = browser.get(url, {"provider": "openai", "api_key": str(first.pk)}, headers=JSON).json()
    assert [key["name"] for key in told["keys"]] == ["Default", "Work"]
    assert told["models"] == []


@pytest.mark.parametrize("chosen", ["his", 0, -1, 2**70, "x", True, [1], {"a": 1}])
def test_other_keys_are_refused(
    browser: Client, on_openai: AgentConfig, work: ApiKey, bob: User, chosen: Any
) -> None:
    his = vault.save_key(bob, "openai", "sk-bobs-own-key-0000009")
    refused = choose(browser, on_openai, api_key=his.pk if chosen == "his" else chosen)
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["api_key"])
    assert AgentConfig.objects.get(pk=on_openai.pk).api_key is None


def test_another_provider_leaves_the_key_behind(
    browser: Client, on_openai: AgentConfig, work: ApiKey
) -> None:
    choose(browser, on_openai, api_key=work.pk, model="gpt-work")
    changed = choose(browser, on_openai, provider="anthropic", model="claude")
    assert (changed.status_code, changed.json()["api_key"]) == (200, None)


def test_the_wizard_adds_a_key_under_a_name(
    browser: Client, on_openai: AgentConfig, first: ApiKey, openai: OpenAIStandIn
) -> None:
    url = f"/agents/{on_openai.pk}/keys/openai/add/"
    for name in ("", "Default", "x" * 61, "\0", "\u200b"):
        refused = browser.post(url, {"name": name, "key": openai.key})
        assert refused.status_code == 422, name
    assert openai.asked == []
    assert browser.post(url, {"name": "Work", "key": "sk-wrong"}).status_code == 422
    page = shown(browser.post(url, {"name": "Work", "key": openai.key}, follow=True))
    assert "The key Work is saved: an agent uses it once you choose it." in page
    assert "Also saved: Work." in page
    assert sorted(ApiKey.objects.values_list("name", flat=True)) == ["Default", "Work"]
    assert given_to(on_openai) == FIRST


def test_the_list_adds_and_renames(browser: Client, alice: User, openai: OpenAIStandIn) -> None:
    page = shown(browser.get("/keys/"))
    assert "No keys yet" in page
    assert 'action="/keys/add/openai/"' in page
    added = browser.post("/keys/add/openai/", {"name": "Work", "key": openai.key}, follow=True)
    assert "The key is saved." in added.content.decode()
    key = ApiKey.objects.get()
    assert (key.name, key.status) == ("Work", "valid")
    vault.save_key(alice, "openai", FIRST)
    vault.save_key(alice, "anthropic", FIRST, name="Private")
    taken = browser.post(f"/keys/{key.pk}/rename/", {"name": "Default"})
    assert (taken.status_code, "has this name" in taken.content.decode()) == (422, True)
    for name in ("Work", "Private"):
        assert (
            "now called"
            in browser.post(f"/keys/{key.pk}/rename/", {"name": name}, follow=True).content.decode()
        )
    told = browser.post(
        f"/keys/{key.pk}/rename/", {"name": "Home"}, content_type="application/json", headers=JSON
    ).json()
    assert (told["id"], told["name"]) == (key.pk, "Home")
    assert vault.reveal(ApiKey.objects.get(pk=key.pk), "test") == openai.key


@pytest.mark.parametrize("code", ["nobody", "local"])
def test_no_key_is_added_for_a_provider_without_keys(browser: Client, agent: AgentConfig, code: str) -> None:
    for url in (f"/keys/add/{code}/", f"/agents/{agent.pk}/keys/{code}/add/"):
        assert browser.post(url, {"name": "x", "key": "y"}).status_code == 404


def test_somebody_elses_key_is_not_renamed(browser: Client, bob: User) -> None:
    his = vault.save_key(bob, "openai", "sk-bobs-own-key-0000009")
    assert browser.post(f"/keys/{his.pk}/rename/", {"name": "Mine"}).status_code == 404


def test_who_uses_a_key_is_true_for_each(
    browser: Client, on_openai: AgentConfig, first: ApiKey, work: ApiKey
) -> None:
    other = AgentConfig.objects.create(
        owner=on_openai.owner, name="Bea", handle="bea", provider="openai", api_key=work
    )
    keys = browser.get("/keys/", headers=JSON).json()["keys"]
    assert {key["name"]: [agent["name"] for agent in key["agents"]] for key in keys} == {
        "Default": ["Ada"],
        "Work": ["Bea"],
    }
    asked = shown(browser.get(f"/keys/{work.pk}/remove/"))
    assert "1 agent of yours uses it: Bea. From then on it uses your key Default" in asked
    browser.post(f"/keys/{work.pk}/remove/")
    assert given_to(other) == FIRST
    asked = shown(browser.get(f"/keys/{first.pk}/remove/"))
    assert "2 agents of yours use it: Ada, Bea. Without a key they can" in asked


def test_the_trouble_is_that_of_the_chosen_key(
    browser: Client, on_openai: AgentConfig, first: ApiKey, work: ApiKey
) -> None:
    ApiKey.objects.filter(pk=work.pk).update(status="invalid")
    [told] = browser.get("/agents/", headers=JSON).json()["agents"]
    assert told["key_trouble"] == ""
    AgentConfig.objects.update(api_key=work)
    [told] = browser.get("/agents/", headers=JSON).json()["agents"]
    assert "refused the key" in told["key_trouble"]


def test_processing_tests_the_chosen_key(
    on_openai: AgentConfig, first: ApiKey, work: ApiKey, openai: OpenAIStandIn
) -> None:
    openai.key = WORK
    assert "provider" in tab_problems(on_openai, Tab.KEYS)[0]
    on_openai.api_key = work
    assert "provider" not in tab_problems(on_openai, Tab.KEYS)[0]


def test_a_revision_names_the_server_of_the_chosen_key(agent: AgentConfig, alice: User) -> None:
    vault.save_key(alice, "openai_compatible", "", "https://one.example.com/v1")
    two = vault.save_key(alice, "openai_compatible", "", "https://two.example.com/v1", name="Two")
    agent.provider = "openai_compatible"
    assert "one.example.com" in draft_json(agent)
    agent.api_key = two
    assert "two.example.com" in draft_json(agent)


def test_the_database_refuses_an_agent_that_points_at_somebody_elses_key(
    on_openai: AgentConfig, bob: User, first: ApiKey
) -> None:
    his = vault.save_key(bob, "openai", "sk-bobs-own-key-0000009")
    with (
        pytest.raises(IntegrityError, match="configs_agentconfig_api_key_id_owner"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE configs_agentconfig SET api_key_id = %s", [his.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert AgentConfig.objects.update(api_key=first) == 1


def test_agents_from_before_keep_their_key(on_openai: AgentConfig, first: ApiKey, bob: User) -> None:
    vault.save_key(bob, "openai", "sk-bobs-own-key-0000009")
    keyless = AgentConfig.objects.create(owner=bob, name="Local", handle="local", provider="local")
    import_module("configs.migrations.0004_choose_keys").choose_keys(apps, None)
    assert AgentConfig.objects.get(pk=on_openai.pk).api_key == first
    assert AgentConfig.objects.get(pk=keyless.pk).api_key is None
