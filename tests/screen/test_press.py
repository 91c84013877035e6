"""A press is never lost, though the page renews its parts at the same moment."""

from __future__ import annotations

from playwright.sync_api import expect

from configs.models import AgentConfig

from .conftest import Windows


def test_a_part_is_not_replaced_under_a_pressed_button(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/identity/")
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    button = page.get_by_role("button", name="Check everything")
    # Unlike what the server has, so that the rail is replaced when the page is read again.
    page.evaluate("document.querySelector('.rail-outcome').textContent = 'Stale.'")
    button.hover()
    page.mouse.down()
    with page.expect_response(lambda response: "x-parts" in response.request.headers):
        page.evaluate("document.dispatchEvent(new CustomEvent('parts:stale'))")
    expect(page.locator(".rail-outcome")).to_have_text("Stale.")
    page.mouse.up()
    expect(page.locator(".rail-outcome")).to_contain_text("Next in the queue")


def test_a_click_starts_the_check_though_nothing_is_unsaved(window: Windows, agent: AgentConfig) -> None:
    page = window(f"/agents/{agent.pk}/identity/")
    page.get_by_role("button", name="Check everything").click()
    expect(page.locator(".rail-outcome")).to_contain_text("Next in the queue")
