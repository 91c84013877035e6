"""The chat with the draft beside the forms, and the command that ends in the chat with a new build."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from agentforge.accounts.models import User
from builds.execution import transitions
from builds.models import Build, BuildStatus, BuildTarget, ChatMessage, Conversation
from builds.services import cancel_build, enqueue_build
from configs.conflicts import Basis
from configs.models import AgentConfig
from configs.services import save_draft
from tests.drivers.build_worker import WorkerProcess
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Text

from .conftest import NARROW, Windows

INSTRUCTIONS = re.compile("instructions", re.IGNORECASE)


@pytest.fixture
def worker(agent: AgentConfig, model: OpenAIStandIn) -> Iterator[None]:
    """A worker that compiles and answers."""
    with WorkerProcess(
        queues="builds,trials", concurrency=2, LOCAL_MODEL="1", LOCAL_MODEL_URL=model.url
    ) as process:
        process.wait_until_it_lives()
        yield


def open_chat(page: Page) -> None:
    page.keyboard.press("d")
    expect(page.locator("[data-draft-chat] [data-chat-form] textarea")).to_be_focused()


def test_the_draft_answers_beside_its_form_with_what_is_in_it(
    worker: None, window: Windows, agent: AgentConfig, model: OpenAIStandIn
) -> None:
    page = window(f"/agents/{agent.pk}/personality/")
    open_chat(page)
    page.get_by_label(INSTRUCTIONS).fill("Speak of whales.")
    page.locator("[data-draft-chat] [data-chat-form] textarea").fill("Hello")
    page.keyboard.press("Enter")
    answer = page.locator("[data-draft-chat] [data-role=assistant]")
    expect(answer).to_have_attribute("data-status", "done")
    expect(answer).to_contain_text("You said: Hello")
    expect(answer).to_contain_text("Ada, draft")
    assert "Speak of whales." in model.asked[-1].json["messages"][0]["content"]
    assert page.url.endswith("/personality/")
    # Leaving still asks when there is something to lose.
    page.get_by_label(INSTRUCTIONS).press_sequentially(" And of krill.")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.evaluate("location.reload()")
    expect(page.get_by_label(INSTRUCTIONS)).to_have_value("Speak of whales. And of krill.")
    assert asked == ["beforeunload"]
    page.keyboard.press("Tab")
    expect(page.locator("[data-saved]")).to_have_text(re.compile("^Saved"))
    # It is there on the next tab too, and leaves by Escape.
    page.goto(f"/agents/{agent.pk}/capabilities/")
    expect(answer).to_contain_text("You said: Hello")
    page.locator("[data-draft-chat] [data-chat-form] textarea").focus()
    page.keyboard.press("Escape")
    expect(answer).to_be_hidden()
    expect(page.locator("[data-draft-chat] > summary")).to_be_focused()


def test_what_keeps_the_draft_from_answering_is_named_and_goes_when_it_is_mended(
    window: Windows, agent: AgentConfig
) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(traits=[])
    page = window(f"/agents/{agent.pk}/personality/", NARROW)
    page.locator("[data-draft-open]").click()
    state = page.locator("[data-part=draft-chat]")
    expect(state.get_by_role("link", name="Personality")).to_be_visible()
    page.locator("[data-draft-chat] [data-chat-form] textarea").fill("Hello")
    page.keyboard.press("Enter")
    expect(page.locator("[data-chat-problem]")).to_contain_text("First correct Personality.")
    expect(page.locator("[data-draft-chat] [data-chat-form] textarea")).to_have_value("Hello")
    page.keyboard.press("Escape")
    expect(page.locator("[data-draft-open]")).to_be_focused()
    page.get_by_label("Curious").press("Space")
    page.locator("[data-draft-chat] > summary").click()
    expect(state).to_contain_text("Answers: your draft.")


def test_ctrl_enter_saves_checks_compiles_and_asks(
    worker: None, window: Windows, agent: AgentConfig, model: OpenAIStandIn
) -> None:
    model.replies.append(Text.of("Whales breathe air."))
    page = window(f"/agents/{agent.pk}/personality/")
    open_chat(page)
    page.locator("[data-draft-chat] [data-chat-form] textarea").fill("What do whales do?")
    page.get_by_label(INSTRUCTIONS).fill("Speak of whales.")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(f"**/agents/{agent.pk}/try/", timeout=120_000)
    answer = page.locator("[data-role=assistant]")
    expect(answer).to_contain_text("Whales breathe air.")
    expect(answer).to_contain_text(f"Ada, build {Build.objects.get().pk}")
    assert "Speak of whales." in model.asked[-1].json["messages"][0]["content"]


def succeed(build: Build) -> None:
    """Let a queued build count as succeeded, without running it."""
    BuildTarget.objects.filter(build=build).update(status="succeeded")
    transitions.finish(build.pk, build.job_id, BuildStatus.SUCCEEDED, was=BuildStatus.QUEUED)


@pytest.mark.parametrize("tab", ["builds", "deploy", "draft", "evaluation", "revisions"])
def test_ctrl_enter_works_on_every_tab(window: Windows, agent: AgentConfig, tab: str) -> None:
    page = window(f"/agents/{agent.pk}/{tab}/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_contain_text("Save, check, compile and ask")
    page.keyboard.press("Escape")
    if tab == "draft":
        page.get_by_label("Message").fill("What do whales do?")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-compile-ask-state] progress")).to_be_visible()
    succeed(Build.objects.get())
    page.wait_for_url(f"**/agents/{agent.pk}/try/**")
    expect(page.get_by_label("Message")).to_be_focused()
    if tab == "draft":
        expect(page.locator("[data-role=user]")).to_contain_text("What do whales do?")
        page.goto(f"/agents/{agent.pk}/draft/")
        expect(page.get_by_label("Message")).to_have_value("")


def test_try_is_left_for_the_next_build_in_place(window: Windows, agent: AgentConfig, alice: User) -> None:
    succeed(enqueue_build(agent, by=alice))
    page = window(f"/agents/{agent.pk}/try/")
    # Nothing to compile: the keys send.
    page.get_by_label("Message").fill("Whales?")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-status=queued]")).to_have_count(1)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("[data-chat-stopped]")).to_be_visible()
    other = window(f"/agents/{agent.pk}/personality/")
    other.get_by_label(INSTRUCTIONS).fill("Speak of krill.")
    other.keyboard.press("Tab")
    expect(page.locator("[data-compile-ask]")).to_have_count(1)
    page.get_by_label("Message").fill("And krill?")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-compile-ask-state] progress")).to_be_visible()
    newest = Build.objects.latest("pk")
    succeed(newest)
    expect(page.locator("[data-role=user]").last).to_contain_text("And krill?")
    asked = ChatMessage.objects.filter(role="user").latest("pk")
    assert (asked.build_id, asked.conversation) == (newest.pk, Conversation.objects.get())


def test_a_question_that_is_being_written_stays(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/personality/")
    open_chat(page)
    field = page.locator("[data-draft-chat] [data-chat-form] textarea")
    field.fill("Half a question")
    page.locator("[data-rail] a[data-tab=capabilities]").click()
    page.wait_for_url("**/capabilities/")
    expect(field).to_have_value("Half a question")
    page.goto(f"/agents/{agent.pk}/draft/")
    expect(page.get_by_label("Message")).to_have_value("Half a question")
    page.keyboard.press("Escape")
    page.get_by_label("Message").press("Enter")
    expect(page.locator("[data-status=queued]")).to_have_count(1)
    page.reload()
    expect(page.get_by_label("Message")).to_have_value("")


def test_a_refused_check_says_where_and_starts_nothing(window: Windows, agent: AgentConfig) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(traits=[])
    page = window(f"/agents/{agent.pk}/identity/")
    page.keyboard.press("Control+Enter")
    state = page.locator("[data-compile-ask-state]")
    expect(state).to_contain_text("Nothing was compiled. Personality: Choose at least one trait.")
    state.get_by_role("link", name="Personality").click()
    page.wait_for_url("**/personality/")
    assert not Build.objects.exists()


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_build_that_does_not_succeed_says_so_in_place(
    window: Windows, agent: AgentConfig, alice: User, status: str
) -> None:
    page = window(f"/agents/{agent.pk}/identity/")
    page.get_by_role("button", name="Compile and ask").click()
    state = page.locator("[data-compile-ask-state]")
    expect(state.locator("progress")).to_be_visible()
    build = Build.objects.get()
    if status == "cancelled":
        cancel_build(build, by=alice)
    else:
        error = "no space left on device\nand more"
        transitions.finish(build.pk, build.job_id, BuildStatus.FAILED, was=BuildStatus.QUEUED, error=error)
    words = {"failed": "The build failed. no space left on device", "cancelled": "The build was cancelled."}
    expect(state).to_have_text(words[status])
    expect(state.get_by_role("link")).to_have_attribute("href", build.get_absolute_url())
    # The command can be given again.
    expect(page.get_by_role("button", name="Compile and ask")).not_to_have_attribute("aria-busy", "true")


def test_try_goes_on_after_a_build_that_failed(window: Windows, agent: AgentConfig, alice: User) -> None:
    succeed(enqueue_build(agent, by=alice))
    AgentConfig.objects.filter(pk=agent.pk).update(custom_instructions="Speak of krill.")
    page = window(f"/agents/{agent.pk}/try/")
    page.get_by_role("button", name="Compile and ask").click()
    state = page.locator("[data-compile-ask-state]")
    expect(state.locator("progress")).to_be_visible()
    build = Build.objects.latest("pk")
    transitions.finish(build.pk, build.job_id, BuildStatus.FAILED, was=BuildStatus.QUEUED, error="no space")
    expect(state).to_have_text("The build failed. no space")
    # Taken back, there is nothing to compile: the command goes, and what was said stays.
    save_draft(agent, {"custom_instructions": ""}, Basis())
    expect(page.locator("[data-compile-ask]")).to_have_count(0)
    expect(state).to_have_text("The build failed. no space")
    save_draft(agent, {"custom_instructions": "Speak of whales."}, Basis())
    expect(page.locator("[data-compile-ask]")).to_have_count(1)
    # Another build makes it history.
    enqueue_build(agent, by=alice)
    expect(state).to_have_text("")


def test_without_scripts_the_chat_is_a_page_of_its_own(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/identity/", scripts=False)
    expect(page.get_by_role("button", name="Compile and ask")).to_be_hidden()
    page.get_by_role("link", name="Talk to the draft").click()
    page.get_by_label("Message").fill("Hello")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("[data-role=user]")).to_contain_text("Hello")
    expect(page.locator("[data-role=assistant]")).to_have_attribute("data-status", "queued")
    expect(page.get_by_role("link", name="Load the page again")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("[data-role=assistant]")).to_contain_text("Stopped before it answered.")


def test_a_chat_that_takes_images_leaves_its_text_the_width(window: Windows, agent: AgentConfig) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(images=True)
    page = window(f"/agents/{agent.pk}/draft/")
    box = page.locator("main [data-chat-form] textarea").bounding_box()
    form = page.locator("main [data-chat-form]").bounding_box()
    assert box is not None and form is not None
    assert box["width"] > 0.8 * form["width"]


# What is typed, what becomes of the request, and what the page says.
REFUSED_TITLES: tuple[tuple[str, Callable[[Route], None], str], ...] = (
    ("Whales", lambda route: route.abort(), "The forge did not answer. Try again."),
    (
        "Whales",
        lambda route: route.fulfill(status=503, body="busy"),
        "The forge refused it with status 503. Load the page again.",
    ),
    (" ", lambda route: route.continue_(), "Give the conversation a title."),
)


def test_conversations_are_begun_chosen_and_renamed_beside_the_form(
    worker: None, window: Windows, agent: AgentConfig
) -> None:
    page = window(f"/agents/{agent.pk}/personality/")
    page.get_by_label(INSTRUCTIONS).focus()
    page.locator("[data-draft-chat] > summary").click()
    panel = page.locator("[data-draft-chat]")
    for question in ("Whales?", "Tides?"):
        panel.get_by_label("Message").fill(question)
        page.keyboard.press("Enter")
        expect(panel.locator("[data-role=assistant]")).to_contain_text(f"You said: {question}")
        if question == "Whales?":
            panel.locator("summary", has_text="Conversations").click()
            # From a new one back to the first, too.
            for name in ("New conversation", "Whales?", "New conversation"):
                panel.get_by_role("link", name=name).click()
                expect(panel.locator(".chat-message")).to_have_count(2 if name == "Whales?" else 0)
    panel.get_by_role("link", name="Whales?").click()
    expect(panel.locator("[data-role=assistant]")).to_contain_text("You said: Whales?")
    panel.locator("summary", has_text="Rename").click()
    title, save = panel.get_by_label("Title"), panel.get_by_role("button", name="Save the title")
    for words, refused, said in REFUSED_TITLES:
        title.fill(words)
        page.route("**/rename/", refused, times=1)
        save.click()
        expect(panel.get_by_role("alert")).to_have_text(said)
    title.fill("Big animals")
    save.click()
    expect(panel.get_by_role("link", name="Big animals")).to_have_attribute("aria-current", "page")
    with page.expect_download() as download:
        panel.get_by_role("link", name="Markdown").click()
    text = download.value.path().read_text()
    assert "Big animals" in text
    assert "Ada, draft" in text
    assert page.url.endswith("/personality/")
    # The next tab shows the same conversation, though another was used last.
    page.goto(f"/agents/{agent.pk}/capabilities/")
    expect(panel.locator("[data-role=assistant]")).to_contain_text("You said: Whales?")
