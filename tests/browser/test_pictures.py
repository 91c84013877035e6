"""The pictures of the start page, made from the product itself.

    RECORD_PICTURES=1 .venv/bin/python -m pytest -n 0 tests/browser/test_pictures.py

makes them anew in static/pictures/; without it, the test sees that they can still be made.
"""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.drivers.forge import ROOT

from . import journey
from .conftest import OpenPage

PICTURES = ROOT / "static" / "pictures"
# About twice as large as the page shows them, for sharp screens: three columns, and legible.
SIZE = ViewportSize(width=1104, height=736)
QUALITY, MOST_BYTES = 84, 60 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return PICTURES if os.environ.get("RECORD_PICTURES") == "1" else tmp_path


def test_the_pictures_of_the_start_page_can_be_made(open_page: OpenPage, folder: Path) -> None:
    page = open_page().page
    page.set_viewport_size(SIZE)
    journey.sign_up(page)
    page.goto("/agents/import/")
    document = (ROOT / "examples" / "ada.yaml").read_text()
    # The likeliest words, so that the pictures change little from one time to the next.
    page.get_by_label("Or paste it").fill(document.replace("creativity: 0.3", "creativity: 0"))
    page.get_by_role("button", name="Import").click()
    page.get_by_role("button", name="Check everything").click()
    expect(page.locator("[data-rail-outcome]")).to_have_text("Ready to compile.")
    journey.open_tab(page, "Personality")
    record(page, folder, "wizard")
    journey.open_tab(page, "Build")
    page.get_by_role("button", name="Compile", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Succeeded", timeout=500_000)
    journey.ask(page)
    answer = page.locator(".chat-message[data-role=assistant]")
    expect(answer).to_have_attribute("data-status", "done", timeout=120_000)
    expect(answer.locator("[data-chat-text]")).to_have_text(re.compile(r"\w"))
    if folder == PICTURES:
        # So small a model may add anything: what visitors see first has to be true.
        expect(answer.locator("[data-chat-text]")).to_have_text("The capital of France is Paris.")
    record(page, folder, "answer")


def record(page: Page, folder: Path, name: str) -> None:
    """Keep what a window shows, in both schemes, as WebP."""
    page.reload()
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    if folder == PICTURES:
        # Visitors are not waiting for Go to get ready.
        expect(page.locator("[data-part=go]")).to_be_hidden(timeout=500_000)
    page.evaluate("scrollTo(0, 0)")
    window = page.context.new_cdp_session(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        taken = window.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
        picture = base64.b64decode(taken["data"])
        assert 2_000 < len(picture) <= MOST_BYTES, (name, scheme, len(picture))
        (folder / f"{name}-{scheme}.webp").write_bytes(picture)
