"""Deploy in a real browser, with a real worker, to Netlify's stand-in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from agentforge.accounts.models import User
from builds.models import Build
from configs.models import AgentConfig
from tests.deployments.forge_window import BROWSER_TEST, press, signed_in
from tests.drivers.deployment_worker import WorkerProcess
from tests.drivers.web_process import WebProcess
from tests.standins.netlify import NetlifyStandIn

pytestmark = BROWSER_TEST


@pytest.fixture
def page(
    netlify: NetlifyStandIn, build: Build, alice: User, client_of: Callable[[User], Client]
) -> Iterator[Page]:
    """A browser window in which alice, who has a finished build, is signed in."""
    session = client_of(alice).cookies["sessionid"].value
    forge = WebProcess(
        AGENTFORGE_NETLIFY_URL=settings.AGENTFORGE_NETLIFY_URL,
        AGENTFORGE_ALLOWED_HOSTS=",".join(settings.AGENTFORGE_ALLOWED_HOSTS),
        LOCAL_MODEL_URL=settings.LOCAL_MODEL_URL,
    )
    with forge, WorkerProcess(), signed_in(forge, session) as window:
        yield window


def make_site(page: Page, agent: AgentConfig, token: str) -> None:
    page.goto(f"/agents/{agent.pk}/deploy/")
    page.get_by_label("Netlify access token").fill(token)
    press(page, "Connect the account")
    page.get_by_label("Name of the new site").fill("ada")
    press(page, "Create the site")
    expect(page.get_by_role("link", name="ada", exact=True)).to_be_visible()
    # A site is closed until its owner has chosen.
    expect(page.get_by_role("button", name="Deploy", exact=True)).to_be_disabled()
    page.get_by_label("Everybody").check()
    press(page, "Save")
    expect(page.locator("#access")).not_to_have_attribute("open", "")


def deploy(page: Page, agent: AgentConfig, *, draft: bool = False) -> str:
    """Start a deployment and return the path of its page."""
    page.goto(f"/agents/{agent.pk}/deploy/")
    if draft:
        page.get_by_text("As a draft").first.click()
    press(page, "Deploy")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Deployment")
    return page.evaluate("location.pathname")  # type: ignore[no-any-return]


def test_from_a_token_to_a_site_and_back(page: Page, agent: AgentConfig, netlify: NetlifyStandIn) -> None:
    make_site(page, agent, netlify.token)
    netlify.stuck = True
    first = deploy(page, agent)
    running = page.locator("[data-step][data-state=running]")
    expect(running).to_have_attribute("data-step", "Wait until it is live")
    expect(page.locator("[data-step]")).to_have_count(6)
    lines = page.locator(".log-text").all_text_contents()
    page.reload()
    expect(running).to_have_attribute("data-step", "Wait until it is live")
    assert page.locator(".log-text").all_text_contents()[: len(lines)] == lines
    netlify.stuck = False
    expect(page.locator(".summary")).to_contain_text("Live")
    expect(page.locator("[data-step][data-state=done]")).to_have_count(6)
    expect(page.locator("[data-step]")).to_have_count(6)
    draft = deploy(page, agent, draft=True)
    expect(page.locator(".summary")).to_contain_text("Succeeded")
    press(page, "Promote")
    expect(page.locator(".summary")).to_contain_text("Live")
    page.goto(first)
    press(page, "Roll back to this")
    expect(page.locator(".summary")).to_contain_text("Live")
    page.goto(draft)
    expect(page.locator(".summary")).to_contain_text("Succeeded")


def test_a_deployment_is_cancelled_and_the_site_stays(
    page: Page, agent: AgentConfig, netlify: NetlifyStandIn
) -> None:
    make_site(page, agent, netlify.token)
    netlify.stuck = True
    deploy(page, agent)
    expect(page.locator("[data-step][data-state=running]")).to_have_attribute(
        "data-step", "Wait until it is live"
    )
    press(page, "Cancel")
    expect(page.locator(".summary")).to_contain_text("The site shows what it showed before.")
    assert all(not site.published for site in netlify.state.sites.values())
