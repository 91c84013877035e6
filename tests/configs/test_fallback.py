"""A second provider, chosen in the tab API keys, which answers when the first one fails."""

from __future__ import annotations

import json

import pytest
import yaml
from django.test import Client
from django.urls import reverse

from agentforge.accounts.models import User
from configs.changes import differences, of_draft, of_revision
from configs.choices import Tab
from configs.documents import document as documents
from configs.documents.export import export
from configs.documents.problems import DocumentError
from configs.history import restore
from configs.keys.agent_environment import environment_of
from configs.keys.keyring import keyring_of
from configs.keys.vault import save_key
from configs.models import AgentConfig, ApiKey
from configs.revisions import create_revision, draft_json, draft_sha256
from configs.validation import tab_problems
from tests.standins.anthropic import AnthropicStandIn
from tests.standins.openai import OpenAIStandIn

JSON = {"accept": "application/json"}


def _choose(browser: Client, agent: AgentConfig, **values: str) -> int:
    sent = {"provider": "local", "model": "smollm2-135m", **values}
    status: int = browser.post(reverse("configs:keys", args=[agent.pk]), sent, headers=JSON).status_code
    agent.refresh_from_db()
    return status


GROQ = {"fallback_provider": "groq", "fallback_model": "fast-1"}


def test_only_an_agent_with_a_fallback_says_so(browser: Client, agent: AgentConfig) -> None:
    before = draft_json(agent)
    assert '"fallback"' not in before
    assert _choose(browser, agent, **GROQ) == 200
    content = json.loads(draft_json(agent))
    assert content["fallback"] == {
        "code": "groq",
        "api": "openai",
        "base_url": "https://api.groq.com/openai/v1",
        "key_env": "GROQ_API_KEY",
        "base_url_env": "GROQ_BASE_URL",
        "request": {"max_tokens": "max_completion_tokens"},
        "model": "fast-1",
    }
    del content["fallback"]
    assert content == json.loads(before)
    # None is chosen again: the model goes with it.
    assert _choose(browser, agent, fallback_provider="", fallback_model="fast-1") == 200
    assert (agent.fallback_model, draft_json(agent)) == ("", before)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"fallback_provider": "groq"}, "fallback_model"),
        ({"fallback_provider": "grok", "fallback_model": "x"}, "fallback_provider"),
        ({"fallback_provider": "local", "fallback_model": "smollm2-135m"}, "fallback_model"),
    ],
)
def test_what_can_not_be_a_fallback(
    browser: Client, agent: AgentConfig, values: dict[str, str], problem: str
) -> None:
    sent = {"provider": "local", "model": "smollm2-135m", **values}
    answer = browser.post(reverse("configs:keys", args=[agent.pk]), sent, headers=JSON)
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {problem}


def test_its_model_is_one_of_its_list(browser: Client, agent: AgentConfig, openai: OpenAIStandIn) -> None:
    added = reverse("configs:key_save", args=[agent.pk, "openai"])
    assert browser.post(added, {"key": openai.key}, headers=JSON).status_code == 200
    url = reverse("configs:model_field", args=[agent.pk])
    offered = browser.get(url, {"provider": "local", "fallback_provider": "openai"}, headers=JSON).json()
    assert (offered["fallback_provider"], offered["fallback_models"]) == ("openai", ["gpt-x", "gpt-x-mini"])
    assert _choose(browser, agent, fallback_provider="openai", fallback_model="gpt-9") == 422
    assert _choose(browser, agent, fallback_provider="openai", fallback_model="gpt-x") == 200
    page = browser.get(reverse("configs:keys", args=[agent.pk])).content.decode()
    assert '<option value="gpt-x" selected>' in page


def test_a_document_and_a_revision_keep_it(browser: Client, agent: AgentConfig) -> None:
    agent.refresh_from_db()
    first = create_revision(agent)
    assert "fallback" not in yaml.safe_load(export(agent))
    _choose(browser, agent, **GROQ)
    text = export(agent)
    assert yaml.safe_load(text)["fallback"] == {"code": "groq", "model": "fast-1"}
    values = documents.parse(text).values
    assert (values["fallback_provider"], values["fallback_model"]) == ("groq", "fast-1")
    told = [
        (each.label, each.before, each.after) for each in differences(of_revision(first), of_draft(agent))
    ]
    assert told == [("Fallback", "Empty", "Groq"), ("Model of the fallback", "Empty", "fast-1")]
    second = create_revision(agent)
    restore(agent, first)
    agent.refresh_from_db()
    assert agent.fallback_provider == ""
    assert agent.memory
    restore(agent, second)
    agent.refresh_from_db()
    assert agent.fallback_model == "fast-1"


def test_a_document_with_half_a_fallback_is_refused(agent: AgentConfig) -> None:
    agent.refresh_from_db()
    with pytest.raises(DocumentError, match=r"fallback\.model"):
        documents.parse(export(agent) + "fallback: {code: groq}\n")


def test_the_agent_gets_both_keys(
    agent: AgentConfig, alice: User, bob: User, openai: OpenAIStandIn, anthropic: AnthropicStandIn
) -> None:
    first, second = save_key(alice, "openai", openai.key), save_key(alice, "anthropic", anthropic.key)
    save_key(bob, "anthropic", "sk-ant-api03-of-bob")
    values = {"provider": "openai", "model": "gpt-x"}
    values |= {"fallback_provider": "anthropic", "fallback_model": "claude-x"}
    AgentConfig.objects.filter(pk=agent.pk).update(**values)
    agent.refresh_from_db()
    assert environment_of(create_revision(agent)) == {
        "OPENAI_API_KEY": openai.key,
        "OPENAI_BASE_URL": openai.url,
        "ANTHROPIC_API_KEY": anthropic.key,
        "ANTHROPIC_BASE_URL": anthropic.url,
    }
    ring = keyring_of(alice.pk)
    assert {key: [each.pk for each in agents] for key, agents in ring.users([agent]).items()} == {
        first.pk: [agent.pk],
        second.pk: [agent.pk],
    }
    # Without its key the agent does without the fallback.
    second.delete()
    assert "ANTHROPIC_API_KEY" not in environment_of(create_revision(agent))


def test_a_check_tests_its_key(
    agent: AgentConfig, alice: User, openai: OpenAIStandIn, anthropic: AnthropicStandIn
) -> None:
    save_key(alice, "openai", openai.key)
    AgentConfig.objects.filter(pk=agent.pk).update(
        provider="openai", model="gpt-x", fallback_provider="anthropic", fallback_model="claude-x"
    )
    agent.refresh_from_db()
    errors, _ = tab_problems(agent, Tab.KEYS)
    assert errors == {"fallback_provider": ["No key for Anthropic is saved. Add it on this page."]}
    save_key(alice, "anthropic", "sk-ant-api03-wrong")
    errors, _ = tab_problems(agent, Tab.KEYS)
    assert "refused this key" in errors["fallback_provider"][0]
    save_key(alice, "anthropic", anthropic.key)
    assert tab_problems(agent, Tab.KEYS) == ({}, [])


def test_a_server_of_somebodys_own_is_named_by_its_key(agent: AgentConfig, alice: User) -> None:
    save_key(alice, "openai_compatible", "", "https://models.example.com/v1")
    AgentConfig.objects.filter(pk=agent.pk).update(
        fallback_provider="openai_compatible", fallback_model="big"
    )
    agent.refresh_from_db()
    fallback = json.loads(draft_json(agent))["fallback"]
    assert (fallback["base_url"], fallback["key_env"]) == ("https://models.example.com/v1", "")
    keys = ApiKey.objects.filter(owner=alice)
    assert draft_sha256(agent, keys) == create_revision(agent).sha256
