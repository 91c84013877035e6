"""The rewritten page works with the generated functions in a real browser."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.drivers.chromium import launch

from .driver import function_server, migrate_copy

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(os.environ.get("BROWSER") == "0", reason="BROWSER=0 skips the browser tests"),
]
SOON = 60_000


def _send(page: Page, text: str) -> None:
    page.get_by_role("textbox").fill(text)
    page.get_by_role("textbox").press("Enter")


def test_two_people_chat(tmp_path: Path) -> None:
    migrate_copy("chat", tmp_path / "chat")
    with function_server(tmp_path / "chat", "web/chat.js") as url, sync_playwright() as playwright:
        browser = launch(playwright)
        ada, bob = browser.new_page(), browser.new_page()
        for page in (ada, bob):
            page.goto(url)
            # The greeting, and the answer to the ping.
            expect(page.get_by_role("listitem")).to_have_text(["welcome", "pong"], timeout=SOON)
        _send(ada, "hello")
        expect(bob.get_by_role("listitem").last).to_have_text("HELLO", timeout=SOON)
        _send(bob, "hi")
        expect(ada.get_by_role("listitem")).to_have_text(["welcome", "pong", "HI"], timeout=SOON)
        browser.close()
