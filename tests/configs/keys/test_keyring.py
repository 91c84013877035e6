from __future__ import annotations

import pytest
from django.test import Client

from agentforge.accounts.models import User
from configs.keys import vault
from configs.models import AgentConfig, ApiKey

SECRET = "sk-a-key-of-alices-abcd"
PAGES = ("identity", "keys", "builds", "try")


@pytest.fixture
def on_openai(agent: AgentConfig) -> AgentConfig:
    agent.provider = "openai"
    agent.save()
    return agent


def shown(browser: Client, agent: AgentConfig) -> set[str]:
    """Return what each page of an agent says is wrong with its key, as words before the link to mend it."""
    result = set()
    for page in PAGES:
        text = browser.get(f"/agents/{agent.pk}/{page}/").content.decode()
        link = f' <a href="/agents/{agent.pk}/keys/#key-openai">'
        before, _, after = text.partition(link)
        result.add(f"{before.rpartition('<span>')[2]} {after.partition('</a>')[0]}" if after else "")
    return result


def test_a_usable_key_says_nothing(browser: Client, on_openai: AgentConfig, alice: User) -> None:
    vault.save_key(alice, "openai", SECRET)
    assert shown(browser, on_openai) == {""}
    assert "#key-openai" not in browser.get("/agents/").content.decode()


def test_the_local_model_needs_none(browser: Client, agent: AgentConfig) -> None:
    assert shown(browser, agent) == {""}
    assert "No key" not in browser.get("/agents/").content.decode()


@pytest.mark.parametrize(
    ("state", "word", "sentence"),
    [
        ("removed", "No key", "No key for OpenAI is saved, so this agent can't answer. Add a key"),
        (
            "unreadable",
            "Key needs re-entry",
            "The vault can't read the key for OpenAI any more, so this agent can't answer. Enter it again",
        ),
        (
            "refused",
            "Key refused",
            "OpenAI refused the key that this agent uses, so it can't answer. Replace the key",
        ),
    ],
)
def test_every_page_of_an_agent_says_what_is_wrong(
    browser: Client, on_openai: AgentConfig, alice: User, state: str, word: str, sentence: str
) -> None:
    key = vault.save_key(alice, "openai", SECRET)
    if state == "removed":
        vault.remove_key(key)
    elif state == "unreadable":
        ApiKey.objects.update(ciphertext=b"lost")
    else:
        ApiKey.objects.update(status="invalid")
    assert {text.replace("&#x27;", "'") for text in shown(browser, on_openai)} == {sentence}
    listed = browser.get("/agents/").content.decode()
    assert f"/agents/{on_openai.pk}/keys/#key-openai" in listed
    assert f">{word}</a>" in listed
    [data] = browser.get("/agents/", headers={"Accept": "application/json"}).json()["agents"]
    assert sentence.startswith(data["key_trouble"])


def test_somebody_elses_key_does_not_help(browser: Client, on_openai: AgentConfig, bob: User) -> None:
    vault.save_key(bob, "openai", SECRET)
    assert len(shown(browser, on_openai) - {""}) == 1
