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


def test_saving_the_tab_keeps_a_typed_key(window: Windows, agent: AgentConfig) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(
        provider="openai",
        model="gpt-x",
        tools=["web_search"],
        tool_settings={"web_search": {"provider": "brave"}},
    )
    page = window(f"/agents/{agent.pk}/capabilities/")
    card = page.get_by_role("region", name="Web search", exact=True)
    card.get_by_label("New key").fill("search-key-012345")
    card.get_by_label("Try a search").fill("tides")
    page.locator("[name=time_limit_seconds]").fill("31")
    with page.expect_response(
        lambda response: "hx-request" in response.request.headers and "/capabilities/" in response.url
    ):
        page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[data-saved]")).to_contain_text("Saved")
    expect(card.get_by_label("New key")).to_have_value("search-key-012345")
    expect(card.get_by_label("Try a search")).to_have_value("tides")


def test_the_key_is_for_the_service_that_was_chosen_just_now(window: Windows, agent: AgentConfig) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="gpt-x", tools=["web_search"])
    page = window(f"/agents/{agent.pk}/capabilities/")
    card = page.get_by_role("region", name="Web search", exact=True)
    card.get_by_label("New key").fill("search-key-012345")
    card.get_by_label("Search service").select_option("tavily")
    expect(card).to_contain_text("For https://api.tavily.com only.")
    expect(card.get_by_label("New key")).to_have_value("search-key-012345")
