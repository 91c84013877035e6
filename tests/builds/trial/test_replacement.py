"""Ask again: regenerate the last answer, reword a question. What followed is replaced, and nothing else."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from agentforge.accounts.models import User
from builds.models import ChatMessage, MessageStatus
from builds.trial import chat
from builds.trial.history import history
from builds.trial.starters import starters
from configs.models import AgentConfig
from tests.drivers.pages import shown

pytestmark = pytest.mark.django_db(transaction=True)

JSON = {"accept": "application/json"}
Pair = tuple[ChatMessage, ChatMessage]


def _exchange(agent: AgentConfig, user: User, text: str) -> Pair:
    """Ask a question that a worker answers."""
    question, answer = chat.ask(agent, by=user, text=text)
    assert answer.job_id is not None
    chat.claim(answer.pk, answer.job_id)
    chat.finish(answer.pk, answer.job_id, MessageStatus.DONE, event={"type": "done"}, content=f"About {text}")
    return question, answer


@pytest.fixture
def pairs(built: AgentConfig, alice: User) -> list[Pair]:
    return [_exchange(built, alice, text) for text in ("tides", "moons")]


def _contents(agent: AgentConfig) -> list[str]:
    return list(ChatMessage.objects.filter(agent=agent).values_list("content", flat=True))


def test_the_last_answer_is_regenerated(browser: Client, built: AgentConfig, pairs: list[Pair]) -> None:
    page = shown(browser.get(reverse("builds:try", args=[built.pk])))
    first, last = (reverse("builds:message_regenerate", args=[built.pk, pair[1].pk]) for pair in pairs)
    assert last in page and first not in page
    assert browser.post(last).status_code == 302
    assert _contents(built) == ["tides", "About tides", "moons", ""]
    new = ChatMessage.objects.filter(agent=built).latest("pk")
    assert new.status == MessageStatus.QUEUED
    assert [message["content"] for message in history(new)] == ["tides", "About tides", "moons"]


def test_an_earlier_answer_is_not_regenerated(browser: Client, built: AgentConfig, pairs: list[Pair]) -> None:
    for message in (pairs[0][1], pairs[1][0]):
        url = reverse("builds:message_regenerate", args=[built.pk, message.pk])
        assert browser.post(url, headers=JSON).status_code == 409
    assert _contents(built) == ["tides", "About tides", "moons", "About moons"]


def test_a_question_is_reworded_and_what_followed_is_replaced(
    browser: Client, built: AgentConfig, pairs: list[Pair]
) -> None:
    url = reverse("builds:message_resend", args=[built.pk, pairs[0][0].pk])
    assert url in shown(browser.get(reverse("builds:try", args=[built.pk])))
    assert browser.post(url, {"content": "suns"}, headers=JSON).status_code == 202
    assert _contents(built) == ["suns", ""]
    assert browser.post(url, {"content": "stars"}, headers=JSON).status_code == 404


@pytest.mark.parametrize("content", ["", "  ", "a\x1bb", "x" * 8001])
def test_a_wrong_question_replaces_nothing(
    browser: Client, built: AgentConfig, pairs: list[Pair], content: str
) -> None:
    url = reverse("builds:message_resend", args=[built.pk, pairs[0][0].pk])
    assert browser.post(url, {"content": content}, headers=JSON).status_code == 422
    assert "Nothing was sent" in shown(browser.post(url, {"content": content}, follow=True))
    assert len(_contents(built)) == 4


def test_nothing_is_lost_when_nobody_can_answer(
    browser: Client, built: AgentConfig, pairs: list[Pair], alice: User
) -> None:
    resend = reverse("builds:message_resend", args=[built.pk, pairs[0][0].pk])
    answer = chat.ask(built, by=alice, text="suns")[1]
    assert browser.post(resend, {"content": "stars"}, headers=JSON).status_code == 409
    chat.stop(built)
    built.revisions.get().builds.update(status="cancelled")
    for url in (resend, reverse("builds:message_regenerate", args=[built.pk, answer.pk])):
        assert browser.post(url, {"content": "stars"}, headers=JSON).status_code == 409
    assert _contents(built) == ["tides", "About tides", "moons", "About moons", "suns", ""]


def test_the_draft_is_asked_again_where_it_was_asked(
    browser: Client, built: AgentConfig, pairs: list[Pair], alice: User
) -> None:
    question, answer = chat.ask_draft(built, by=alice, text="draft?")
    chat.stop(built, chat.Source.DRAFT)
    url = reverse("builds:message_regenerate", args=[built.pk, answer.pk])
    page = reverse("builds:draft", args=[built.pk])
    assert browser.post(url).headers["Location"] == f"{page}?conversation={question.conversation_id}"
    assert not ChatMessage.objects.filter(pk=question.pk).exists()
    assert [message.source for message in ChatMessage.objects.all()] == ["build"] * 4 + ["draft"] * 2


def test_an_empty_chat_offers_questions_that_fit_the_agent(browser: Client, agent: AgentConfig) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(type="creative")
    page = shown(browser.get(reverse("builds:draft", args=[agent.pk])))
    assert 'name="content" value="What can you help me with?"' in page
    assert "Suggest three names" in page
    assert "in Tokyo" not in page
    with_clock = {"identity": {"type": "unknown"}, "capabilities": {"tools": ["clock", "unknown"]}}
    assert starters(with_clock) == ["What can you help me with?", "What time is it in Tokyo?"]


def test_a_starter_begins_the_chat(browser: Client, built: AgentConfig) -> None:
    page = browser.get(reverse("builds:try", args=[built.pk])).content.decode()
    assert 'value="What can you help me with?"' in page
    browser.post(reverse("builds:send", args=[built.pk]), {"content": "What can you help me with?"})
    assert 'class="starters"' not in shown(browser.get(reverse("builds:try", args=[built.pk])))
