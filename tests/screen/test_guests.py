"""A visit as a guest in a browser: one press in, the time left on every page, one form to keep it all."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from agentforge.accounts.models import User
from tests.drivers.web_process import WebProcess

from .conftest import NARROW


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_a_visit_from_the_first_press_to_an_account(
    chromium: Browser, web: WebProcess, transactional_db: None, scripts: bool
) -> None:
    context = chromium.new_context(base_url=web.url, viewport=NARROW, java_script_enabled=scripts)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("button", name="Try it without an account").click()
    bar = page.locator(".guest")
    expect(bar).to_contain_text(re.compile(r"everything here goes\s+in\s+(59\sminutes|1\shour)"))
    page.goto("/agents/new/")
    page.get_by_label("Name", exact=True).fill("Ada")
    page.get_by_role("button", name="Create agent").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ada")
    _fits(page)
    page.locator(".guest").get_by_role("link", name="Keep everything: sign up").click()
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("Password").fill("correct-horse-battery")
    page.get_by_role("button", name="Create account").click()
    # Back where they were.
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ada")
    expect(page.locator(".messages")).to_contain_text("with everything you made")
    expect(page.locator(".guest")).to_have_count(0)
    assert [user.is_guest for user in User.objects.filter(email="ada@example.com")] == [False]
    context.close()


def _fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
