"""The start page: its pictures in the scheme of the window, nothing moves, and no script is needed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.drivers.web_process import WebProcess

from .conftest import NARROW, WIDE
from .test_build_page import SHIFTS

_BROKEN = "[...document.images].filter((image) => !(image.complete && image.naturalWidth)).map((i) => i.src)"
_SOURCES = "[...document.querySelectorAll('picture img')].map((image) => image.currentSrc)"
_HEADINGS = "[...document.querySelectorAll('h1, h2, h3')].map((heading) => Number(heading.tagName[1]))"


def open_start(chromium: Browser, web: WebProcess, size: ViewportSize, scheme: str, scripts: bool) -> Page:
    context = chromium.new_context(
        base_url=web.url,
        viewport=size,
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=scripts,
    )
    page = context.new_page()
    page.add_init_script(SHIFTS)
    page.goto("/", wait_until="load")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_visitor_sees_the_product(
    chromium: Browser, web: WebProcess, transactional_db: None, size: ViewportSize, scheme: str
) -> None:
    page = open_start(chromium, web, size, scheme, scripts=True)
    expect(page.get_by_role("link", name="Sign up").first).to_be_in_viewport()
    assert page.evaluate(_BROKEN) == []
    assert all(source.endswith(f"-{scheme}.webp") for source in page.evaluate(_SOURCES))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("window.shifted") == 0, page.evaluate("window.movers")
    headings = page.evaluate(_HEADINGS)
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))
    page.context.close()


def test_it_leads_on_without_a_script(chromium: Browser, web: WebProcess, transactional_db: None) -> None:
    page = open_start(chromium, web, NARROW, "light", scripts=False)
    page.get_by_role("main").get_by_role("link", name="Sign up").click()
    expect(page.get_by_role("heading", name="Create an account")).to_be_visible()
    page.get_by_role("link", name="AgentForge").click()
    page.get_by_role("main").get_by_role("link", name="Sign in").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.context.close()
