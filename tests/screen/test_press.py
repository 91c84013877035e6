"""A press is never lost, though the page changes at the same moment."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import Locator, Page, expect

from agentforge.accounts.models import User
from builds.models import Build, ChatMessage, ChatSource, Conversation
from builds.services import cancel_build
from configs.models import AgentConfig
from tests.drivers.held_request import HeldRequest

from .conftest import Windows


def press(page: Page, element: Locator) -> None:
    """Press the pointer on an element, which is marked as the one that was there before the page changes."""
    element.hover()
    element.evaluate("element => { element.dataset.former = true }")
    page.mouse.down()


def let_it_answer(page: Page, held: HeldRequest, element: Locator) -> None:
    """Let an answer through, and expect that the page leaves the pressed element alone."""
    held.let_go()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)))")
    expect(element).to_have_attribute("data-former", "true")


def test_a_part_is_not_replaced_under_a_pressed_button(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/identity/")
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    button = page.get_by_role("button", name="Check everything")
    # Unlike what the server has, so that the rail is replaced when the page is read again.
    page.evaluate("document.querySelector('.rail-outcome').textContent = 'Stale.'")
    button.hover()
    page.mouse.down()
    with page.expect_response(lambda response: "x-parts" in response.request.headers):
        page.evaluate("document.dispatchEvent(new CustomEvent('parts:stale'))")
    expect(page.locator(".rail-outcome")).to_have_text("Stale.")
    page.mouse.up()
    expect(page.locator(".rail-outcome")).to_contain_text("Next in the queue")


@pytest.mark.parametrize("loss", ["right", "window"])
def test_a_press_whose_end_the_page_does_not_see_holds_nothing_up(
    window: Windows, agent: AgentConfig, loss: Literal["right", "window"]
) -> None:
    """A menu of the browser takes the end of a press, and so does another window."""
    page = window(f"/agents/{agent.pk}/identity/")
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    page.evaluate("document.querySelector('.rail-outcome').textContent = 'Stale.'")
    page.locator("h1").hover()
    page.mouse.down(button="right" if loss == "right" else "left")
    if loss == "window":
        page.evaluate("dispatchEvent(new Event('blur'))")
    page.evaluate("document.dispatchEvent(new CustomEvent('parts:stale'))")
    expect(page.locator(".rail-outcome")).not_to_have_text("Stale.")


def test_a_download_of_the_chat_beside_the_form_is_not_replaced_while_it_is_pressed(
    window: Windows, agent: AgentConfig, alice: User
) -> None:
    place = Conversation.objects.create(owner=alice, agent=agent, source=ChatSource.DRAFT, title="Whales?")
    for role, words in (("user", "Whales?"), ("assistant", "They sing.")):
        ChatMessage.objects.create(
            owner=alice, agent=agent, source=ChatSource.DRAFT, conversation=place, role=role, content=words
        )
    page = window(f"/agents/{agent.pk}/identity/")
    page.locator("[data-draft-chat] > summary").click()
    page.locator("[data-draft-chat] summary", has_text="Conversations").click()
    link = page.locator("[data-draft-chat]").get_by_role("link", name="Markdown")
    expect(link).to_be_visible()
    held = HeldRequest(page, "**/draft/?*")
    page.evaluate("document.dispatchEvent(new CustomEvent('parts:stale'))")
    held.wait()
    press(page, link)
    let_it_answer(page, held, link)
    with page.expect_download() as download:
        page.mouse.up()
    assert "They sing." in download.value.path().read_text()
    expect(link).not_to_have_attribute("data-former", "true")


def test_a_result_of_the_search_is_not_replaced_while_it_is_pressed(
    window: Windows, agent: AgentConfig
) -> None:
    page = window("/keys/")
    page.get_by_role("link", name="Search").click()
    result = page.locator("a.result", has_text="Ada")
    expect(result).to_be_visible()
    held = HeldRequest(page, "**/search/?*")
    page.keyboard.insert_text("ada")
    held.wait()
    press(page, result)
    let_it_answer(page, held, result)
    page.mouse.up()
    expect(page).to_have_url(re.compile(rf"/agents/{agent.pk}/identity/"))


def test_an_error_does_not_move_the_button_that_is_pressed(window: Windows, agent: AgentConfig) -> None:
    """The press leaves the field, which saves it; the error that comes back takes a line above the button."""
    page = window(f"/agents/{agent.pk}/identity/")
    page.get_by_label("Name").fill("")
    held = HeldRequest(page, "**/identity/", header="x-autosave")
    button = page.locator("form[data-draft]").get_by_role("button", name="Save")
    press(page, button)
    let_it_answer(page, held, button)
    assert page.locator(".field-error").count() == 0
    page.mouse.up()
    expect(page.locator(".field-error")).to_have_count(1)


def test_the_link_to_a_build_is_not_replaced_while_it_is_pressed(
    window: Windows, agent: AgentConfig, alice: User
) -> None:
    page = window(f"/agents/{agent.pk}/identity/")
    page.get_by_role("button", name="Compile and ask").click()
    link = page.locator("[data-compile-ask-state]").get_by_role("link")
    expect(link).to_be_visible()
    build = Build.objects.get()
    press(page, link)
    page.evaluate(
        "() => { window.ended = new Promise((done) => document.addEventListener('live:status', done)) }"
    )
    cancel_build(build, by=alice)
    page.evaluate("() => window.ended.then(() => null)")
    expect(link).to_have_attribute("data-former", "true")
    page.mouse.up()
    page.wait_for_url(f"**{build.get_absolute_url()}")


def test_a_click_starts_the_check_though_nothing_is_unsaved(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/identity/")
    page.get_by_role("button", name="Check everything").click()
    expect(page.locator(".rail-outcome")).to_contain_text("Next in the queue")
