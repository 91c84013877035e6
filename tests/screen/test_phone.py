"""A phone shows where one is, what the links are called, and search."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from configs.models import AgentConfig

from .conftest import NARROW, WIDE, Windows

IN_SIGHT = """(item) => {
  const strip = item.closest(".rail-tabs").getBoundingClientRect();
  const box = item.getBoundingClientRect();
  return box.left >= strip.left && box.right <= strip.right && box.right <= innerWidth;
}"""


def is_current_in_sight(page: Page) -> bool:
    return bool(page.locator(".rail-item[aria-current]").evaluate(IN_SIGHT))


@pytest.mark.parametrize("path", ["identity", "capabilities", "builds", "try", "deploy"])
def test_the_strip_shows_the_current_step(window: Windows, agent: AgentConfig, path: str) -> None:
    page = window(f"/agents/{agent.pk}/{path}/", NARROW)
    expect(page.locator("body")).to_have_attribute("data-link", "open")
    assert is_current_in_sight(page)
    strip = page.locator(".rail-tabs")
    assert strip.evaluate("(strip) => strip.scrollWidth > strip.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # It stays there when the rail is read again.
    page.request.post(
        f"/agents/{agent.pk}/identity/",
        form={"name": "Grace", "handle": "ada", "type": "assistant", "version": "0.1.0"},
        headers={"X-CSRFToken": page.locator("[name=csrfmiddlewaretoken]").first.input_value()},
    )
    expect(page.get_by_role("heading", level=1)).to_contain_text("Grace")
    assert is_current_in_sight(page)


def test_keys_are_named_where_there_are_some(window: Windows, agent: AgentConfig) -> None:
    for size in (WIDE, NARROW):
        page = window(f"/agents/{agent.pk}/identity/", size)
        expect(page.get_by_role("button", name="Compile and ask")).to_be_visible()
        assert page.locator(".compile-ask kbd, .foot button").first.is_visible() is (size == WIDE)


def test_the_logo_has_a_name_and_search_finds(window: Windows, agent: AgentConfig) -> None:
    page = window("/agents/", NARROW)
    expect(page.get_by_role("link", name=re.compile("^AgentForge"))).to_be_visible()
    page.get_by_role("link", name="Search").click()
    page.get_by_role("searchbox", name="Search").fill("ada")
    expect(page.locator(".result").first).to_contain_text("Ada")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/agents/{agent.pk}/identity/"))


@pytest.mark.parametrize("place", ["draft", "identity"])
def test_a_question_with_images_has_the_width_of_the_phone(
    window: Windows, agent: AgentConfig, place: str
) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(images=True)
    page = window(f"/agents/{agent.pk}/{place}/", NARROW)
    if place == "identity":
        page.get_by_text("Talk to the draft").last.click()
    form = page.locator("[data-chat-form]")
    for field in ("textarea", "[type=file]"):
        box = form.locator(field).bounding_box()
        assert box is not None and box["width"] > NARROW["width"] / 2
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
