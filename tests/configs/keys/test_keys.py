from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from agentforge.accounts.models import User
from configs.keys import vault
from configs.models import AgentConfig, ApiKey
from tests.drivers.pages import shown
from tests.standins.openai import Mode, OpenAIStandIn


def save(browser: Client, agent: AgentConfig, provider: str, **sent: str) -> tuple[int, str]:
    response = browser.post(f"/agents/{agent.pk}/keys/{provider}/", sent, follow=True)
    return response.status_code, response.content.decode()


def test_good_key_is_saved_with_its_models(
    browser: Client, agent: AgentConfig, openai: OpenAIStandIn
) -> None:
    status, page = save(browser, agent, "openai", key=f" {openai.key} ")
    assert status == 200
    assert "The key is saved." in page
    assert "…cdef" in page
    key = ApiKey.objects.get()
    assert (key.status, key.models_offered) == ("valid", ["gpt-x", "gpt-x-mini"])
    assert key.checked_at is not None
    assert key.check_ms is not None


def test_refused_key_is_not_saved_and_the_old_one_stays(
    browser: Client, agent: AgentConfig, openai: OpenAIStandIn, alice: User
) -> None:
    save(browser, agent, "openai", key=openai.key)
    status, page = save(browser, agent, "openai", key="sk-wrong-one")
    assert status == 422
    assert "OpenAI refused this key (401). It was not saved." in page
    assert "sk-wrong-one" not in page
    assert vault.reveal(ApiKey.objects.get(), "test") == openai.key


@pytest.mark.parametrize(
    ("mode", "status"),
    [
        ("html", "unreachable"),
        ("rate_limited", "rate_limited"),
        ("no_credit", "no_credit"),
        ("unscoped", "unscoped"),
    ],
)
def test_other_outcomes_are_saved_and_said(
    browser: Client, agent: AgentConfig, openai: OpenAIStandIn, mode: Mode, status: str
) -> None:
    openai.mode = mode
    code, page = save(browser, agent, "openai", key=openai.key)
    assert code == 200
    assert ApiKey.objects.get().status == status
    assert f'data-state="{status}"' in page


def test_key_of_another_provider_is_not_sent_unasked(
    browser: Client, agent: AgentConfig, openai: OpenAIStandIn
) -> None:
    openai.key = "sk-ant-api03-of-a-proxy"
    status, page = save(browser, agent, "openai", key=openai.key)
    assert status == 422
    assert "looks like a key of Anthropic" in page
    assert 'name="anyway"' in page
    assert openai.asked == []
    assert save(browser, agent, "openai", key=openai.key, anyway="on")[0] == 200
    assert ApiKey.objects.get().status == "valid"


@pytest.mark.parametrize(
    "key", ["sk-ant-admin01-abc", "sk-ant-oat01-abc", "", "two words", "sk-\0", "sk-ü", "x" * 501]
)
def test_unusable_keys_are_refused_with_a_reason(browser: Client, agent: AgentConfig, key: str) -> None:
    status, page = save(browser, agent, "anthropic", key=key, anyway="on")
    assert status == 422
    assert "field-error" in page
    assert not ApiKey.objects.exists()


def test_compatible_server_needs_no_key(
    browser: Client, agent: AgentConfig, compatible: OpenAIStandIn
) -> None:
    compatible.needs_key = False
    status, page = save(browser, agent, "openai_compatible", base_url=compatible.url + "/")
    assert status == 200
    assert ApiKey.objects.get().base_url == compatible.url
    assert compatible.url in page


@pytest.mark.parametrize(
    "base_url",
    ["", "nonsense", "file:///etc", "https://u:p@example.com", "https://e.com/?a=b", "http://\0", "x" * 900],
)
def test_wrong_base_urls_are_refused(browser: Client, agent: AgentConfig, base_url: str) -> None:
    assert save(browser, agent, "openai_compatible", base_url=base_url)[0] == 422
    assert not ApiKey.objects.exists()


def test_private_base_url_is_not_reached(browser: Client, agent: AgentConfig, openai: OpenAIStandIn) -> None:
    url = openai.url.replace("127.0.0.1", "localhost")
    page = save(browser, agent, "openai_compatible", base_url=url)[1]
    assert "private address" in page
    assert openai.asked == []


def test_key_that_no_list_proves_is_unverified(
    browser: Client, agent: AgentConfig, openai: OpenAIStandIn
) -> None:
    openai.lists_publicly = True
    page = save(browser, agent, "openai", key="sk-of-nobody")[1]
    key = ApiKey.objects.get()
    assert (key.status, key.models_offered) == ("unverified", ["gpt-x", "gpt-x-mini"])
    assert "lists its models without a key" in page


def test_model_of_a_long_list_can_be_chosen(
    browser: Client, agent: AgentConfig, openai: OpenAIStandIn
) -> None:
    openai.models = [f"model-{number:05}" for number in range(1500)]
    save(browser, agent, "openai", key=openai.key)
    sent = {"provider": "openai", "model": "model-01499", "api_key": ""}
    assert browser.post(f"/agents/{agent.pk}/keys/", sent).status_code == 302
    agent.refresh_from_db()
    assert agent.model == "model-01499"


def test_testing_again_keeps_the_list_when_unreachable(
    browser: Client, agent: AgentConfig, openai: OpenAIStandIn
) -> None:
    save(browser, agent, "openai", key=openai.key)
    openai.mode = "html"
    page = browser.post(f"/agents/{agent.pk}/keys/openai/test/", follow=True).content.decode()
    key = ApiKey.objects.get()
    assert (key.status, key.models_offered) == ("unreachable", ["gpt-x", "gpt-x-mini"])
    assert "could not answer (502)" in page


def test_local_model_can_be_tested(browser: Client, agent: AgentConfig, local_model: OpenAIStandIn) -> None:
    page = browser.post(f"/agents/{agent.pk}/keys/local/test/", follow=True).content.decode()
    assert "offers 1 model." in page
    assert local_model.asked


def test_model_is_chosen_from_the_providers_list(
    browser: Client, agent: AgentConfig, openai: OpenAIStandIn
) -> None:
    save(browser, agent, "openai", key=openai.key)
    url = f"/agents/{agent.pk}/keys/"
    assert browser.post(url, {"provider": "openai", "model": "gpt-9"}).status_code == 422
    assert browser.post(url, {"provider": "openai", "model": "gpt-x"}).status_code == 302
    field = browser.get(url + "model/", {"provider": "openai"}).content.decode()
    assert '<option value="gpt-x" selected>' in field
    other = browser.get(url + "model/", {"provider": "anthropic"}).content.decode()
    assert other.count("<select") == 1  # The fallback.
    assert "gpt-x" not in other


def test_removing_asks_and_names_the_agents_that_use_it(
    browser: Client, agent: AgentConfig, openai: OpenAIStandIn
) -> None:
    save(browser, agent, "openai", key=openai.key)
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai")
    url = f"/agents/{agent.pk}/keys/openai/remove/"
    asked = shown(browser.get(url))
    assert "1 agent of yours uses it: Ada." in asked
    assert ApiKey.objects.exists()
    assert browser.post(url).status_code == 302
    assert not ApiKey.objects.exists()
    assert browser.post(url).status_code == 404


@pytest.mark.parametrize("what", ["", "test/", "remove/"])
@pytest.mark.parametrize("provider", ["nobody", "local"])
def test_providers_without_keys(browser: Client, agent: AgentConfig, provider: str, what: str) -> None:
    if (provider, what) == ("local", "test/"):
        return
    assert browser.post(f"/agents/{agent.pk}/keys/{provider}/{what}").status_code == 404


def test_somebody_elses_key_is_not_reached(
    agent: AgentConfig, alice: User, bob: User, client_of: Callable[[User], Client]
) -> None:
    vault.save_key(alice, "openai", "sk-alices-own-key-0001")
    theirs = AgentConfig.objects.create(owner=bob, name="Bob's", handle="bobs")
    page = client_of(bob).get(f"/agents/{theirs.pk}/keys/").content.decode()
    assert "0001" not in page
    assert client_of(bob).post(f"/agents/{theirs.pk}/keys/openai/remove/").status_code == 404
    assert client_of(bob).post(f"/agents/{agent.pk}/keys/openai/test/").status_code == 404


def test_scripts_learn_the_outcome(browser: Client, agent: AgentConfig, openai: OpenAIStandIn) -> None:
    answer = browser.post(
        f"/agents/{agent.pk}/keys/openai/",
        {"key": openai.key},
        content_type="application/json",
        headers={"Accept": "application/json"},
    ).json()
    assert (answer["success"], answer["outcome"]) == (True, "valid")
