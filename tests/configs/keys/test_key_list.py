from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from configs.keys import vault
from configs.models import AgentConfig, ApiKey
from tests.drivers.pages import shown
from tests.standins.openai import OpenAIStandIn

SECRET = "sk-a-key-of-alices-abcd"


@pytest.fixture
def key(alice: User) -> ApiKey:
    return vault.save_key(alice, "openai", SECRET)


def text_of(browser: Client) -> str:
    return browser.get("/keys/").content.decode()


def test_without_keys_it_says_where_one_is_added(browser: Client) -> None:
    assert "No keys yet" in text_of(browser)


def test_shows_what_its_owner_may_see(
    browser: Client, agent: AgentConfig, key: ApiKey, openai: OpenAIStandIn
) -> None:
    openai.key = SECRET
    AgentConfig.objects.update(provider="openai")
    before = text_of(browser)
    assert "Not tested yet." in before
    page = shown(browser.post(f"/keys/{key.pk}/test/", follow=True))
    assert 'data-state="valid"' in page
    assert "…abcd" in page
    assert key.fingerprint in page
    assert ", took " in page
    assert f'Used by <a href="/agents/{agent.pk}/keys/">Ada</a>.' in page
    assert SECRET not in page


def test_somebody_elses_key_is_not_there(browser: Client, bob: User) -> None:
    theirs = vault.save_key(bob, "openai", SECRET)
    assert "abcd" not in text_of(browser)
    for action in ("", "test/", "remove/"):
        assert browser.post(f"/keys/{theirs.pk}/{action}").status_code == 404


def test_number_of_queries_does_not_grow(browser: Client, alice: User) -> None:
    counts = []
    for codes in (["openai"], ["anthropic", "openai_compatible"]):
        for code in codes:
            vault.save_key(alice, code, SECRET, "https://models.example.com/v1")
            AgentConfig.objects.create(owner=alice, name=code, handle=code, provider=code)
        with CaptureQueriesContext(connection) as queries:
            text_of(browser)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_replacing_tests_the_new_key_first(browser: Client, key: ApiKey, openai: OpenAIStandIn) -> None:
    refused = browser.post(f"/keys/{key.pk}/", {"key": "sk-wrong"})
    assert refused.status_code == 422
    assert "OpenAI refused this key (401). It was not saved." in refused.content.decode()
    assert vault.reveal(ApiKey.objects.get(), "test") == SECRET
    page = browser.post(f"/keys/{key.pk}/", {"key": openai.key}, follow=True).content.decode()
    assert "The key is replaced." in page
    assert vault.reveal(ApiKey.objects.get(), "test") == openai.key


def test_removing_asks_first_and_names_who_uses_it(browser: Client, agent: AgentConfig, key: ApiKey) -> None:
    AgentConfig.objects.update(provider="openai")
    response = shown(browser.get(f"/keys/{key.pk}/remove/"))
    assert "1 agent of yours uses it: Ada." in response
    assert ApiKey.objects.exists()
    page = browser.post(f"/keys/{key.pk}/remove/", follow=True).content.decode()
    assert "The key Default for OpenAI is removed." in page
    assert not ApiKey.objects.exists()


def test_a_key_that_nobody_can_read_asks_to_be_entered_again(
    browser: Client, key: ApiKey, settings: Settings
) -> None:
    ApiKey.objects.update(ciphertext=b"lost")
    assert "Needs re-entry" in text_of(browser)
    page = browser.post(f"/keys/{key.pk}/test/", follow=True).content.decode()
    assert "read this key any more. Replace it." in page


def test_scripts_learn_the_same(
    browser: Client, agent: AgentConfig, key: ApiKey, openai: OpenAIStandIn
) -> None:
    AgentConfig.objects.update(provider="openai")
    accept = {"Accept": "application/json"}
    [data] = browser.get("/keys/", headers=accept).json()["keys"]
    assert (data["provider"], data["last_four"], data["status"]) == ("openai", "abcd", "unverified")
    assert data["agents"] == [{"id": agent.pk, "name": "Ada"}]
    assert SECRET not in str(data)
    wrong = browser.post(f"/keys/{key.pk}/", {"key": ""}, "application/json", headers=accept)
    assert (wrong.status_code, list(wrong.json()["errors"])) == (422, ["key"])
    tested = browser.post(f"/keys/{key.pk}/test/", headers=accept).json()
    assert (tested["success"], tested["outcome"]) == (True, "invalid")
    assert browser.post(f"/keys/{key.pk}/remove/", headers=accept).json()["success"]
