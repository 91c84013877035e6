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

TWO_PRESSES = """(field) => {
  const press = () => new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true });
  for (const _ of [1, 2]) field.dispatchEvent(press());
}"""
# How often a renewal of the page asks for the next one.
RESTS_OF_A_RENEWAL = """() => new Promise((resolve) => {
  let rests = 0;
  document.addEventListener("forms:rest", () => { rests += 1; });
  document.addEventListener("parts:renewed", () => resolve(rests));
  document.dispatchEvent(new CustomEvent("parts:stale"));
})"""
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
    finish(begin(), text)


def begin() -> ChatMessage:
    """Let a worker begin the pending answer."""
    message: ChatMessage = ChatMessage.objects.get(status="queued")
    assert message.job_id is not None
    chat.claim(message.pk, message.job_id)
    return message


def finish(message: ChatMessage, text: str) -> None:
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


@pytest.mark.parametrize("path", ["try", "draft"])
@pytest.mark.parametrize("scripts", [True, False])
def test_another_conversation_begins_empty(
    window: Windows, built: AgentConfig, scripts: bool, path: str
) -> None:
    page = window(f"/agents/{built.pk}/{path}/", scripts=scripts)
    for question in ("Tides?", "Moons?"):
        page.get_by_label("Message").fill(question)
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.locator("[data-role=user]")).to_have_count(1)
        answer_with(f"About {question}")
        page.goto(f"/agents/{built.pk}/{path}/")
        page.get_by_role("link", name="New conversation").click()
        expect(page.locator(".chat-message")).to_have_count(0)
    page.get_by_role("link", name="Tides?").click()
    expect(page.locator("[data-role=assistant] .markdown")).to_have_text("About Tides?")
    expect(page.get_by_role("link", name="Tides?")).to_have_attribute("aria-current", "page")


def ask(page: Page, question: str, *, answer: str) -> None:
    page.get_by_label("Message").fill(question)
    page.keyboard.press("Enter")
    expect(page.locator("[data-status=queued]")).to_have_count(1)
    answer_with(answer)
    expect(page.locator("[data-role=assistant] .markdown").last).to_have_text(answer)


@pytest.mark.parametrize("path", ["try", "draft"])
def test_a_new_conversation_goes_on_with_its_second_question(
    window: Windows, built: AgentConfig, path: str
) -> None:
    page = window(f"/agents/{built.pk}/{path}/")
    ask(page, "Whales?", answer="Yes.")
    page.get_by_role("link", name="New conversation").click()
    ask(page, "Tides?", answer="Twice a day.")
    expect(page.get_by_role("link", name="Tides?")).to_have_attribute("aria-current", "page")
    ask(page, "Why?", answer="The moon.")
    assert texts(page) == ["Tides?", "Twice a day.", "Why?", "The moon."]
    titles = ChatMessage.objects.filter(role="user").values_list("conversation__title", flat=True)
    assert sorted(titles) == ["Tides?", "Tides?", "Whales?"]
    # What belongs to a conversation is there without a reload, and a reload shows the same.
    expect(page.get_by_role("link", name="Delete this conversation…")).to_be_visible()
    page.get_by_text("Rename", exact=True).click()
    page.get_by_label("Title").fill("Water")
    page.get_by_role("button", name="Save the title").click()
    expect(page.get_by_role("link", name="Water")).to_have_attribute("aria-current", "page")
    page.reload()
    assert texts(page) == ["Tides?", "Twice a day.", "Why?", "The moon."]


@pytest.mark.parametrize("path", ["try", "draft"])
def test_two_windows_show_the_same_conversation(window: Windows, built: AgentConfig, path: str) -> None:
    page, other = (window(f"/agents/{built.pk}/{path}/") for _ in range(2))
    ask(page, "Whales?", answer="Yes.")
    expect(other.locator("[data-role=assistant] .markdown")).to_have_text("Yes.")
    page.get_by_label("Message").fill("Tides?")
    page.keyboard.press("Enter")
    expect(page.locator("[data-status=queued]")).to_have_count(1)
    answer = begin()
    expect(other.locator("[data-role=user] [data-chat-text]").last).to_have_text("Tides?")
    expect(other.get_by_role("button", name="Stop")).to_be_visible()
    finish(answer, "Twice a day.")
    for each in (page, other):
        expect(each.locator("[data-role=assistant] .markdown").last).to_have_text("Twice a day.")
        assert texts(each) == ["Whales?", "Yes.", "Tides?", "Twice a day."]
    other.get_by_role("button", name="Regenerate").click()
    # Before a worker begins.
    for each in (page, other):
        expect(each.locator("[data-status=queued]")).to_have_count(1)
        assert texts(each) == ["Whales?", "Yes.", "Tides?", ""]
    answer_with("Since the moon pulls.")
    for each in (page, other):
        expect(each.locator("[data-role=assistant] .markdown").last).to_have_text("Since the moon pulls.")
        assert texts(each) == ["Whales?", "Yes.", "Tides?", "Since the moon pulls."]


@pytest.mark.parametrize("path", ["try", "draft"])
def test_a_deleted_conversation_leaves_the_other_window(
    window: Windows, built: AgentConfig, path: str
) -> None:
    page, other = (window(f"/agents/{built.pk}/{path}/") for _ in range(2))
    ask(page, "Whales?", answer="Yes.")
    expect(other.locator("[data-role=assistant] .markdown")).to_have_text("Yes.")
    other.get_by_label("Message").fill("And krill?")
    page.get_by_role("link", name="Delete this conversation…").click()
    page.get_by_role("button", name="Delete the conversation").click()
    expect(page.locator(".chat-message")).to_have_count(0)
    expect(other.locator(".chat-message")).to_have_count(0)
    expect(other.get_by_text("This conversation was deleted in another window.")).to_be_visible()
    expect(other.locator(".conversations a")).to_have_count(0)
    # What was being written stays, and begins a new conversation.
    ask(other, other.get_by_label("Message").input_value(), answer="Krill too.")
    expect(page.locator("[data-role=assistant] .markdown")).to_have_text("Krill too.")
    for each in (page, other):
        assert texts(each) == ["And krill?", "Krill too."]
        each.reload()
        assert texts(each) == ["And krill?", "Krill too."]


def test_a_chat_beside_the_form_follows_its_page(window: Windows, agent: AgentConfig) -> None:
    page, other = window(f"/agents/{agent.pk}/identity/"), window(f"/agents/{agent.pk}/draft/")
    panel = page.locator("[data-draft-chat]")
    panel.locator("summary").first.click()
    starter = panel.get_by_role("button", name=FIRST)
    starter.focus()
    # What is the same stays, and with it the focus.
    rename(other, "Bea")
    expect(page.locator("h1")).to_contain_text("Bea")
    expect(starter).to_be_focused()
    ask(other, "Whales?", answer="Yes.")
    expect(panel.locator("[data-role=assistant] .markdown")).to_have_text("Yes.")
    other.get_by_role("button", name="Regenerate").click()
    expect(panel.locator("[data-status=queued]")).to_have_count(1)
    answer_with("Since they breathe air.")
    expect(panel.locator("[data-role=assistant] .markdown")).to_have_text("Since they breathe air.")
    panel.get_by_label("Message").fill("And krill?")
    other.get_by_role("link", name="Delete this conversation…").click()
    other.get_by_role("button", name="Delete the conversation").click()
    expect(panel.locator(".chat-message")).to_have_count(0)
    expect(panel.get_by_text("This conversation was deleted in another window.")).to_be_visible()
    expect(panel.get_by_label("Message")).to_have_value("And krill?")
    expect(starter).to_be_visible()


def rename(page: Page, name: str) -> None:
    """Give the agent another name, in the window of a chat with it."""
    at = page.url
    page.goto(at.replace("/draft/", "/identity/"))
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[data-saved]")).to_contain_text("Saved")
    page.goto(at)


@pytest.mark.parametrize("path", ["try", "draft"])
def test_a_chat_that_was_renewed_asks_for_nothing_more(
    window: Windows, built: AgentConfig, path: str
) -> None:
    page = window(f"/agents/{built.pk}/{path}/")
    ask(page, "Whales?", answer="Yes.")
    page.reload()
    assert page.evaluate(RESTS_OF_A_RENEWAL) == 0


def test_two_presses_ask_once(window: Windows, built: AgentConfig) -> None:
    page = window(f"/agents/{built.pk}/try/")
    ask(page, "Whales?", answer="Yes.")
    page.get_by_role("link", name="New conversation").click()
    page.get_by_label("Message").fill("Tides?")
    page.get_by_label("Message").evaluate(TWO_PRESSES)
    expect(page.locator("[data-status=queued]")).to_have_count(1)
    answer_with("Twice a day.")
    expect(page.locator(".markdown")).to_have_text("Twice a day.")
    page.get_by_role("button", name="Regenerate").dblclick()
    expect(page.locator("[data-status=queued]")).to_have_count(1)
    answer_with("By the moon.")
    expect(page.locator(".markdown")).to_have_text("By the moon.")
    expect(page.locator("[data-chat-problem]")).to_have_count(0)
    titles = ChatMessage.objects.filter(role="user").values_list("conversation__title", flat=True)
    assert sorted(titles) == ["Tides?", "Whales?"]
