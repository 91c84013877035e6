"""Connect an account through Netlify's consent page in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from agentforge.accounts.models import User
from configs.models import AgentConfig
from tests.deployments.forge_window import BROWSER_TEST, press, signed_in
from tests.drivers.web_process import WebProcess
from tests.standins.netlify import NetlifyStandIn, oauth

pytestmark = BROWSER_TEST


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
    with forge, signed_in(forge, session) as window:
        netlify.oauth.register(f"{forge.url}/deployments/netlify/")
        yield window


def test_an_account_is_connected_and_disconnected_without_a_token(
    page: Page, agent: AgentConfig, netlify: NetlifyStandIn
) -> None:
    tab = f"/agents/{agent.pk}/deploy/"
    page.goto(tab)
    press(page, "Connect with Netlify")
    press(page, "Deny")
    expect(page.locator(".messages")).to_contain_text("Access was denied at Netlify.")
    assert page.evaluate("location.pathname") == tab
    visited: list[str] = []
    page.on("request", lambda request: visited.append(f"{request.url} {request.post_data or ''}"))
    press(page, "Connect with Netlify")
    press(page, "Authorize")
    expect(page.locator(".messages")).to_contain_text("Connected as Ada Lovelace. Teams: Team One, Team Two.")
    # History, logs and referrers keep URLs with their query.
    assert page.evaluate("location.href").endswith(tab)
    assert not [each for each in visited if netlify.token in each or oauth.CLIENT_SECRET in each]
    assert netlify.token not in page.content()
    [back] = {each.split()[0] for each in visited if "/deployments/netlify/?" in each}
    page.goto(back)
    expect(page.locator(".messages")).to_contain_text("was used before")
    page.goto(f"{tab}disconnect/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Disconnect Ada Lovelace")
    press(page, "Disconnect")
    expect(page.locator(".messages")).to_contain_text("The account is disconnected.")
    expect(page.get_by_role("button", name="Connect with Netlify")).to_be_visible()
