"""What is typed outside of the wizard's forms is not lost when its page is left."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Dialog, Page, expect

from agentforge.accounts.models import User
from configs.models import AgentConfig
from deployments.sites import lifecycle

from .conftest import Windows


def leave(page: Page, *, asked: bool) -> None:
    """Follow a link that leads away, and see whether the page asks."""
    dialogs: list[str] = []

    def stay(dialog: Dialog) -> None:
        dialogs.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    if not asked:
        with page.expect_navigation():
            page.get_by_role("link", name="Builds", exact=True).click()
        return
    with page.expect_event("dialog"):
        page.get_by_role("link", name="Builds", exact=True).click(no_wait_after=True)
    assert dialogs == ["beforeunload"]


@pytest.mark.parametrize("place", ["name", "greeting", "import", "key", "search key", "token"])
def test_a_page_with_unsent_text_asks(window: Windows, agent: AgentConfig, alice: User, place: str) -> None:
    if place == "search key":
        AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="gpt-x", tools=["web_search"])
    if place == "greeting":
        lifecycle.create_site(agent, "ada-site", "", alice, host="self-hosted")
    path, selector = {
        "name": (f"/agents/{agent.pk}/deploy/", "[name=name]"),
        "greeting": (f"/agents/{agent.pk}/deploy/", "[name=greeting]"),
        "import": ("/agents/import/", "textarea"),
        "key": ("/keys/", "[name=key]"),
        "search key": (f"/agents/{agent.pk}/capabilities/", "[name=key]"),
        "token": ("/accounts/tokens/", "[name=name]"),
    }[place]
    page = window(path)
    if summary := {"key": "Anthropic", "greeting": "Who may talk to it"}.get(place):
        page.get_by_text(summary).first.click()
    field = page.locator(f"main {selector}").locator("visible=true").first
    field.fill("Half of it")
    leave(page, asked=True)
    expect(field).to_have_value("Half of it")
    field.fill(field.evaluate("field => field.defaultValue"))
    leave(page, asked=False)


def test_who_is_signed_out_elsewhere_is_not_asked_about_text_that_is_kept(
    window: Windows, agent: AgentConfig
) -> None:
    path = f"/agents/{agent.pk}/identity/"
    page = window(path)
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    session = next(each["value"] for each in page.context.cookies() if each["name"] == "sessionid")
    home = page.evaluate("location.origin")
    page.context.clear_cookies(name="sessionid")
    dialogs: list[str] = []

    def go_on(dialog: Dialog) -> None:
        dialogs.append(dialog.type)
        dialog.accept()

    page.on("dialog", go_on)
    page.get_by_label("Description").fill("Knows tides.")
    page.wait_for_url(re.compile("/sign-in/"))
    assert dialogs == []
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": home}])
    page.goto(path)
    expect(page.get_by_label("Description")).to_have_value("Knows tides.")
