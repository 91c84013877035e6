"""Connect an account at Netlify as a person does: over its page of consent, in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect, sync_playwright

from agentforge.accounts.models import User
from configs.models import AgentConfig
from tests.drivers.chromium import launch
from tests.drivers.web_process import WebProcess
from tests.standins.netlify import NetlifyStandIn, oauth

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(os.environ.get("BROWSER") == "0", reason="BROWSER=0 leaves the browser tests out"),
]


@pytest.fixture
def page(
    netlify: NetlifyStandIn, agent: AgentConfig, alice: User, client_of: Callable[[User], Client]
) -> Iterator[Page]:
    """A browser window in which alice is signed in to a forge that is registered at Netlify."""
    session = client_of(alice).cookies["sessionid"].value
    forge = WebProcess(
        AGENTFORGE_NETLIFY_URL=settings.AGENTFORGE_NETLIFY_URL,
        AGENTFORGE_NETLIFY_AUTHORIZE_URL=netlify.oauth.authorize_url,
        NETLIFY_CLIENT_ID=oauth.CLIENT_ID,
        NETLIFY_CLIENT_SECRET=oauth.CLIENT_SECRET,
        LOCAL_MODEL_URL=settings.LOCAL_MODEL_URL,
    )
    with forge, sync_playwright() as playwright, launch(playwright) as browser:
        netlify.oauth.register(f"{forge.url}/deployments/netlify/")
        context = browser.new_context(base_url=forge.url)
        context.add_cookies([{"name": "sessionid", "value": session, "url": forge.url}])
        expect.set_options(timeout=60_000)  # a machine that also compiles is slow
        problems: list[str] = []
        window = context.new_page()
        window.on("pageerror", lambda error: problems.append(str(error)))
        window.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        yield window
        assert problems == []


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_an_account_is_connected_and_disconnected_without_a_token(
    page: Page, agent: AgentConfig, netlify: NetlifyStandIn
) -> None:
    tab = f"/agents/{agent.pk}/deploy/"
    page.goto(tab)
    press(page, "Connect with Netlify")
    press(page, "Deny")
    expect(page.locator(".messages")).to_contain_text("The access was not granted at Netlify.")
    assert page.evaluate("location.pathname") == tab
    visited: list[str] = []
    page.on("request", lambda request: visited.append(f"{request.url} {request.post_data or ''}"))
    press(page, "Connect with Netlify")
    press(page, "Authorize")
    expect(page.locator(".messages")).to_contain_text("Connected as Ada Lovelace. Teams: Team One, Team Two.")
    # An address, with its query, is what history, logs and referrers keep.
    assert page.evaluate("location.href").endswith(tab)
    assert not [each for each in visited if netlify.token in each or oauth.CLIENT_SECRET in each]
    assert netlify.token not in page.content()
    [back] = {each.split()[0] for each in visited if "/deployments/netlify/?" in each}
    page.goto(back)
    expect(page.locator(".messages")).to_contain_text("it came before")
    page.goto(f"{tab}disconnect/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Disconnect Ada Lovelace")
    press(page, "Disconnect")
    expect(page.locator(".messages")).to_contain_text("The account is disconnected.")
    expect(page.get_by_role("button", name="Connect with Netlify")).to_be_visible()
