"""Answers and conversations without end: what is stored, shown and sent of them is bounded."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agentforge.accounts.models import User
from builds.models import ChatMessage, finish_note
from builds.trial import chat
from builds.trial.answer import MOST_TEXT, Answer
from builds.trial.history import history
from configs.models import AgentConfig
from tests.drivers.pages import shown

pytestmark = pytest.mark.django_db(transaction=True)
JSON = {"accept": "application/json"}
CUT_OFF = "The answer was cut off at its length limit. Ask it to continue, or choose longer answers."


def _exchanges(agent: AgentConfig, alice: User, count: int, content: str) -> None:
    """Store exchanges of a question and an answer in the agent's conversation."""
    question, _ = chat.ask(agent, alice, "First?")
    assert chat.stop(agent, chat.Source.BUILD)
    place: dict[str, Any] = {
        "owner_id": agent.owner_id,
        "agent": agent,
        "conversation": question.conversation,
        "source": question.source,
    }
    rows = [
        ChatMessage(**place, role=role, content=text, status="done")
        for number in range(count)
        for role, text in (("user", f"Number {number}?"), ("assistant", content))
    ]
    ChatMessage.objects.bulk_create(rows)


def test_a_page_shows_the_newest_of_very_long_answers(
    browser: Client, built: AgentConfig, alice: User
) -> None:
    _exchanges(built, alice, 10, "x" * 1_000_000)
    url = reverse("builds:try", args=[built.pk])
    page = browser.get(url)
    assert len(page.content) < 4_000_000
    words = shown(page)
    assert "Earlier messages are not shown here." in words
    assert "Number 9?" in words
    assert "Number 0?" not in words
    told = browser.get(url, headers=JSON).json()
    assert told["has_earlier"] is True
    assert [message["content"][:9] for message in told["messages"][-2:]] == ["Number 9?", "x" * 9]
    exported = browser.get(reverse("builds:conversation_export", args=[built.pk]))
    assert "Number 0?" in exported.content.decode()


def test_a_page_shows_the_newest_of_very_many_messages(
    browser: Client, built: AgentConfig, alice: User
) -> None:
    _exchanges(built, alice, 300, "Yes.")
    told = browser.get(reverse("builds:try", args=[built.pk]), headers=JSON).json()
    assert len(told["messages"]) == 400
    assert told["has_earlier"] is True


def test_a_short_conversation_is_whole(browser: Client, built: AgentConfig, alice: User) -> None:
    _exchanges(built, alice, 3, "Yes.")
    url = reverse("builds:try", args=[built.pk])
    assert "Earlier messages" not in shown(browser.get(url))
    told = browser.get(url, headers=JSON).json()
    assert (len(told["messages"]), told["has_earlier"]) == (8, False)


def test_an_agent_is_sent_what_it_takes(built: AgentConfig, alice: User) -> None:
    _exchanges(built, alice, 20, "\N{SLIGHTLY SMILING FACE}" * 100_000)
    answer = chat.ask(built, alice, "And now?")[1]
    sent = history(answer)
    assert sent[-1] == {"role": "user", "content": "And now?"}
    assert len(sent) > 10
    assert sum(len(message["content"].encode()) for message in sent) < 4 * 1024 * 1024


def test_an_endless_answer_is_cut_where_it_is_stored() -> None:
    published: list[dict[str, Any]] = []
    answer = Answer(1, published.append)
    for _ in range(30):
        answer.add({"type": "token", "text": "x" * 100_000})
        answer.add({"type": "tool_call", "id": "c", "name": "clock", "arguments": {"a": "y" * 100_000}})
    answer.add({"type": "done", "text": "z" * 3_000_000, "finish": "stop"})
    texts = [record["event"].get("text", "") for record in published]
    assert sum(map(len, texts)) + sum(len(str(call)) for call in answer.facts["tool_calls"]) <= MOST_TEXT
    assert len(answer.facts["content"]) == len(answer.last["text"]) == MOST_TEXT
    assert finish_note(answer.facts["usage"]) == answer.last["note"] == CUT_OFF
