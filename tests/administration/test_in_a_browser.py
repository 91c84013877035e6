"""Open the administration in a real browser under the content policy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect, sync_playwright

from agentforge.accounts.models import User
from tests.drivers.chromium import launch
from tests.drivers.web_process import WebProcess

from .conftest import Hers
from .test_pages import MODELS, url_of

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(os.environ.get("BROWSER") == "0", reason="BROWSER=0 leaves the browser tests out"),
]


@pytest.fixture
def session(olga: User, client_of: Callable[[User], Client]) -> str:
    return client_of(olga).cookies["sessionid"].value


@pytest.fixture
def page(session: str, hers: Hers) -> Iterator[Page]:
    """A window in which olga is signed in; anything that its console complains of fails the test."""
    with WebProcess() as web, sync_playwright() as playwright, launch(playwright) as browser:
        context = browser.new_context(base_url=web.url)
        context.add_cookies([{"name": "sessionid", "value": session, "url": web.url}])
        window = context.new_page()
        expect.set_options(timeout=90_000)  # a machine that also compiles is slow
        problems: list[str] = []
        window.on("pageerror", lambda error: problems.append(str(error)))
        window.on("console", lambda message: problems.append(message.text) if message.type != "log" else None)
        window.on("requestfailed", lambda request: problems.append(request.url))
        yield window
        assert problems == []


@pytest.fixture
def paths(hers: Hers) -> list[str]:
    pages = [url_of(model, kind, hers) for model in MODELS for kind in ("changelist", "change")]
    return [reverse("admin:index"), *pages, f"{reverse('admin:builds_build_changelist')}?q=nothing"]


def test_the_content_policy_fits_every_page(page: Page, paths: list[str]) -> None:
    for path in paths:
        response = page.goto(path)
        assert response is not None
        assert response.status == 200
        assert "default-src 'self'" in response.headers["content-security-policy"]
        expect(page.locator("#site-name")).to_contain_text("AgentForge administration")


def test_an_action_by_hand(page: Page) -> None:
    page.goto("/admin/accounts/user/?q=alice")
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option("disable")
    page.locator("button[name=index]").click()
    expect(page.locator(".messagelist")).to_contain_text("Disabled: 1.")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_lists_fit_their_page(page: Page, hers: Hers) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    for model in MODELS:
        page.goto(url_of(model, "changelist", hers))
        widths = "(place) => [place.scrollWidth, place.clientWidth]"
        wanted, given = page.locator("#changelist .results").evaluate(widths)
        assert wanted <= given, f"{model}: {wanted} of {given} px"
