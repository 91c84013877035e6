"""The card of the web search: what was typed is saved before the service is asked."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from configs.models import AgentConfig
from tests.standins.search import SearXNGStandIn

from .conftest import Windows


def _type_and_search(page: Page, service: SearXNGStandIn) -> None:
    card = page.get_by_role("region", name="Web search", exact=True)
    card.get_by_label("Search service").select_option("searxng")
    card.get_by_label("Address").fill(service.url)
    card.get_by_label("Try a search").fill("tides")
    card.get_by_label("Try a search").press("Enter")


def test_what_was_typed_is_saved_and_then_tried(
    window: Windows, agent: AgentConfig, search_service: SearXNGStandIn
) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="gpt-x")
    page = window(f"/agents/{agent.pk}/capabilities/")
    page.get_by_role("checkbox", name="Web search", exact=True).check()
    _type_and_search(page, search_service)
    expect(page.get_by_role("list", name="Found")).to_contain_text("https://www.sea.example/tides")
    expect(page.get_by_label("Try a search")).to_have_value("tides")
    agent.refresh_from_db()
    assert agent.tool_settings == {"web_search": {"provider": "searxng", "url": search_service.url}}


def test_without_scripts_what_was_saved_is_tried(
    window: Windows, agent: AgentConfig, search_service: SearXNGStandIn
) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(
        provider="openai",
        model="gpt-x",
        tools=["web_search"],
        tool_settings={"web_search": {"provider": "searxng", "url": search_service.url}},
    )
    page = window(f"/agents/{agent.pk}/capabilities/", scripts=False)
    page.get_by_label("Try a search").fill("tides")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("list", name="Found")).to_contain_text("The moon")
