"""The chat as people know it: begin with an example, ask again, reword, begin another conversation."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from agentforge.accounts.models import User
from builds.models import Build, BuildTarget, ChatMessage
from builds.services import enqueue_build
from builds.trial import chat
from builds.trial.answer import Answer
from configs.models import AgentConfig

from .conftest import Windows

FIRST = "What can you help me with?"


@pytest.fixture
def built(agent: AgentConfig, alice: User) -> AgentConfig:
    """An agent whose build counts as succeeded, without running it."""
    pk = enqueue_build(agent, by=alice).pk
    Build.objects.filter(pk=pk).update(status="succeeded")
    BuildTarget.objects.filter(build_id=pk).update(status="succeeded")
    return agent


def answer_with(text: str) -> None:
    """Let a worker give the pending answer."""
    message = ChatMessage.objects.get(status="queued")
    assert message.job_id is not None
    chat.claim(message.pk, message.job_id)
    answer = Answer(message.pk, lambda record: None)
    answer.add({"type": "done", "text": text, "finish": "stop", "ms": 1234})
    chat.finish(message.pk, message.job_id, answer.status, event=answer.last, **answer.facts)


def texts(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("[data-chat-text]").all_text_contents()]


def test_a_chat_is_begun_asked_again_and_reworded_in_place(window: Windows, built: AgentConfig) -> None:
    page = window(f"/agents/{built.pk}/try/")
    page.evaluate("window.stayed = true")
    page.get_by_role("button", name=FIRST).click()
    expect(page.locator(".chat-message")).to_have_count(2)
    expect(page.locator(".starters")).to_have_count(0)
    answer_with("With **tides**.")
    expect(page.locator(".markdown strong")).to_have_text("tides")
    expect(page.locator("[data-chat-usage]")).to_have_text("1.2 s")
    page.get_by_role("button", name="Regenerate").click()
    expect(page.locator("[data-status=queued]")).to_have_count(1)
    assert texts(page) == [FIRST, ""]
    answer_with("With *moons*.")
    expect(page.locator(".markdown em")).to_have_text("moons")
    page.locator(".chat-message summary", has_text="Edit").click()
    page.get_by_label("Edit the question").fill("What else?")
    page.get_by_role("button", name="Send again").click()
    expect(page.locator("[data-role=user] [data-chat-text]")).to_have_text("What else?")
    answer_with("Suns.")
    expect(page.locator(".markdown")).to_have_text("Suns.")
    assert texts(page) == ["What else?", "Suns."]
    assert page.evaluate("window.stayed")


@pytest.mark.parametrize("scripts", [True, False])
def test_another_conversation_begins_empty(window: Windows, built: AgentConfig, scripts: bool) -> None:
    page = window(f"/agents/{built.pk}/try/", scripts=scripts)
    for question in ("Tides?", "Moons?"):
        page.get_by_label("Message").fill(question)
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.locator("[data-role=user]")).to_have_count(1)
        answer_with(f"About {question}")
        page.goto(f"/agents/{built.pk}/try/")
        page.get_by_role("link", name="New conversation").click()
        expect(page.locator(".chat-message")).to_have_count(0)
    page.get_by_role("link", name="Tides?").click()
    expect(page.locator("[data-role=assistant] .markdown")).to_have_text("About Tides?")
    expect(page.get_by_role("link", name="Tides?")).to_have_attribute("aria-current", "page")
