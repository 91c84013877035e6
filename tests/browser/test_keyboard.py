"""The whole job without a mouse, from signing up to the answer, with every key press counted."""

from __future__ import annotations

import re
import secrets

from playwright.sync_api import Page, expect

from . import journey
from .conftest import OpenPage

MOST_PRESSES = 40


class Keyboard:
    """Counts what is pressed: a text that is typed into a field counts as one press, a chord too."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.presses = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self._page.keyboard.press(key)
            self.presses += 1

    def type(self, text: str) -> None:
        expect(self._page.locator(":is(input, textarea):focus")).to_be_visible()
        self._page.keyboard.type(text)
        self.presses += 1


def test_the_whole_job_takes_at_most_40_key_presses(open_page: OpenPage) -> None:
    page = open_page().page
    keys = Keyboard(page)
    page.goto("/sign-up/")
    keys.type(f"ada-{secrets.token_hex(4)}@example.com")
    keys.press("Tab")
    keys.type(journey.PASSWORD)
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Agents", exact=True)).to_be_visible()
    keys.press("n")
    expect(page.get_by_role("heading", name="New agent")).to_be_visible()
    keys.type("Ada of the keys")
    keys.press("Tab")
    keys.type("Answers questions about capitals.")
    keys.press("Control+s")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ada of the keys")
    _look_at_each_tab(page, keys)
    keys.press("c")
    expect(page.get_by_role("link", name="Go to Build")).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("button", name="Compile", exact=True)).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("link", name="Try it")).to_be_focused(timeout=500_000)
    keys.press("Enter")
    expect(page.get_by_label("Message")).to_be_focused()
    keys.type(journey.QUESTION)
    keys.press("Enter")
    answer = page.locator(".chat-message[data-role=assistant]")
    expect(answer).to_have_attribute("data-status", "done", timeout=120_000)
    expect(page.get_by_label("Message")).to_be_focused()
    print(f"{keys.presses} key presses")
    assert keys.presses <= MOST_PRESSES


def _look_at_each_tab(page: Page, keys: Keyboard) -> None:
    """Open every tab, and write instructions; leaving a field saves it."""
    # A new agent opens there: its identity was just given.
    expect(page.locator(".rail-item[aria-current=page]")).to_contain_text("API keys")
    _open(page, keys, "1", "Identity")
    keys.press("Escape")
    _open(page, keys, "3", "Personality")
    instructions = page.get_by_label(re.compile("instructions", re.IGNORECASE))
    while not instructions.evaluate("field => field === document.activeElement"):
        keys.press("Tab")
        assert keys.presses <= MOST_PRESSES
    keys.type("Answer in one short sentence.")
    keys.press("Escape")
    expect(page.locator("[data-saved]")).to_have_text(re.compile(r"^Saved \d"))
    _open(page, keys, "4", "Capabilities")
    _open(page, keys, "5", "Knowledge")


def _open(page: Page, keys: Keyboard, key: str, name: str) -> None:
    keys.press(key)
    expect(page.locator(".rail-item[aria-current=page]")).to_contain_text(name)
    expect(page.locator("#tab-form :focus")).to_have_count(1)
