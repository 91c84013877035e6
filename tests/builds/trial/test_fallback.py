"""The fallback answers in the chat, which says so; the agent reaches both providers and no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.live import streams
from builds.models import ChatMessage
from configs.keys.vault import save_key
from configs.models import AgentConfig
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import INPUT_TOKENS, OUTPUT_TOKENS, Failure, Text

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[[], None]


@pytest.fixture
def groq(settings: Settings, agent: AgentConfig, alice: User, tmp_path: Path) -> Iterator[OpenAIStandIn]:
    """The service that the agent falls back to."""
    with OpenAIStandIn("gsk_0123456789abcdef") as server:
        settings.AGENTFORGE_PROVIDER_URLS = {"groq": server.url}
        save_key(alice, "groq", server.key)
        AgentConfig.objects.filter(pk=agent.pk).update(fallback_provider="groq", fallback_model="fast-1")
        settings.AGENTFORGE_PRICES = str(tmp_path / "prices.json")
        prices = {"as_of": "2030-01-01", "models": {"groq": {"fast-1": [100, 200]}}}
        (tmp_path / "prices.json").write_text(json.dumps(prices))
        yield server


def _ask(browser: Client, agent: AgentConfig, work: Work) -> ChatMessage:
    sent = browser.post(reverse("builds:draft_send", args=[agent.pk]), {"content": "Hello"})
    assert sent.status_code == 302
    work()
    answer: ChatMessage = ChatMessage.objects.filter(agent=agent, role="assistant").latest("pk")
    return answer


def test_the_fallback_answers_and_the_chat_says_why(
    browser: Client, agent: AgentConfig, work: Work, local_model: OpenAIStandIn, groq: OpenAIStandIn
) -> None:
    local_model.replies.append(Failure(400, "broken", "The model is broken."))
    groq.replies.append(Text.of("Here I am."))
    answer = _ask(browser, agent, work)
    assert (answer.status, answer.content, answer.error) == ("done", "Here I am.", "")
    told = {"provider": "groq", "model": "fast-1", "reason": "The model is broken."}
    assert answer.usage["fallback"] == told
    assert (answer.usage["input_tokens"], answer.usage["output_tokens"]) == (INPUT_TOKENS, OUTPUT_TOKENS)
    # Of the fallback only: the first provider counted nothing.
    assert answer.usage["cost"] == "about $0.0025 by prices of 2030-01-01"
    ports = {int(server.origin.rpartition(":")[2]) for server in (local_model, groq)}
    assert {each["port"] for each in answer.network if each["allowed"]} == ports
    (event,) = [
        record["event"]
        for _, record in streams.read(agent.stream_name)
        if record.get("event", {}).get("type") == "fallback"
    ]
    page = browser.get(reverse("builds:draft", args=[agent.pk])).content.decode()
    assert "about $0.0025 by prices of 2030-01-01 · first words after" in page
    note = "fast-1 of Groq answers, because the provider failed: The model is broken."
    assert event["note"] == note
    assert note in page


def test_a_provider_that_answers_is_not_replaced(
    browser: Client, agent: AgentConfig, work: Work, local_model: OpenAIStandIn, groq: OpenAIStandIn
) -> None:
    answer = _ask(browser, agent, work)
    assert answer.content == "You said: Hello"
    assert "fallback" not in answer.usage
    assert groq.asked == []
