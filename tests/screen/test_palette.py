"""Search opens over any page, is used by keys alone, and works without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from configs.models import AgentConfig
from tests.drivers.held_request import HeldRequest

from .conftest import NARROW, Windows


@pytest.mark.parametrize("key", ["/", "Control+k"])
def test_keys_open_it_choose_and_close_it(window: Windows, agent: AgentConfig, key: str) -> None:
    page = window("/keys/")
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    page.keyboard.press(key)
    box = page.get_by_role("dialog", name="Search").get_by_role("searchbox")
    expect(box).to_be_focused()
    expect(page.locator(".result").first).to_contain_text("Ada")
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    # At once: the focus is not left in the closed dialog.
    assert page.evaluate("document.activeElement.closest('.palette')") is None
    page.keyboard.press(key)
    expect(box).to_be_focused()
    page.keyboard.type("new agent")
    expect(page.locator(".result").first).to_contain_text("New agent")
    # What is typed does not keep it open: Chromium would only empty the box.
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    page.keyboard.press(key)
    expect(page.locator(".result").first).to_contain_text("New agent")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".result").first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(box).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/agents/new/"))


def test_a_chosen_result_stays_chosen_when_results_come_again(window: Windows, agent: AgentConfig) -> None:
    page = window("/keys/")
    page.get_by_role("link", name="Search").click()
    page.keyboard.insert_text("new agent")
    result = page.locator(".result").first
    expect(result).to_contain_text("New agent")
    page.keyboard.press("Escape")
    held = HeldRequest(page, "**/search/?*")
    page.get_by_role("link", name="Search").click()
    page.keyboard.press("ArrowDown")
    expect(result).to_be_focused()
    result.evaluate("result => { result.dataset.former = true }")
    held.let_go()
    expect(result).not_to_have_attribute("data-former", "true")
    expect(result).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/agents/new/"))


def test_enter_takes_what_is_typed_not_what_is_shown(window: Windows, agent: AgentConfig) -> None:
    page = window("/keys/")
    page.get_by_role("link", name="Search").click()
    expect(page.locator(".result").first).to_be_visible()
    page.keyboard.insert_text("deployments")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/deployments/"))


def test_nothing_found(window: Windows, agent: AgentConfig) -> None:
    page = window("/agents/", NARROW)
    page.get_by_role("link", name="Search").click()
    page.keyboard.type("zzz")
    expect(page.get_by_text("Nothing of yours matches")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_scripts_it_is_a_page(window: Windows, agent: AgentConfig) -> None:
    page = window("/agents/", scripts=False)
    page.get_by_role("link", name="Search").click()
    page.get_by_role("searchbox", name="Search").fill("ada")
    page.get_by_role("button", name="Search").click()
    page.locator("a.result", has_text="Ada").click()
    expect(page).to_have_url(re.compile(rf"/agents/{agent.pk}/identity/"))
