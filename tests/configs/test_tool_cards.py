"""The cards of tools that are written once for everybody have nothing of an agent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.template.loader import render_to_string
from django.test import Client

from agentforge.accounts.models import User
from configs.forms.tool_cards import blank_card, tool_cards
from configs.models import AgentConfig
from configs.templatetags.wizard import _blank_tool
from configs.tools.catalogue import CATALOGUE
from tests.drivers.pages import shown

PRIVATE = "alices"
SETTINGS = {
    "facts": {"directory": f"/{PRIVATE}"},
    "fetch": {"hosts": [f"{PRIVATE}.example.com"], "ignore_robots": True},
    "workspace": {"directory": f"/{PRIVATE}"},
    "web_search": {"provider": "searxng", "url": f"https://{PRIVATE}.example.com"},
}
PERMISSIONS = {"data_query": [f"deny text={PRIVATE}"], "files_read": ["deny"], "fetch": ["ask"]}


@pytest.fixture(autouse=True)
def new_process() -> Iterator[None]:
    """Forget what was written, before and after."""
    for written in (blank_card, _blank_tool):
        written.cache_clear()
    yield
    for written in (blank_card, _blank_tool):
        written.cache_clear()


def page_of(browser: Client, agent: AgentConfig) -> str:
    page = shown(browser.get(f"/agents/{agent.pk}/capabilities/"))
    return re.sub(r'(name="csrfmiddlewaretoken" value="|X-CSRFToken": ")\w+"', r"\1", page)


def test_a_page_is_the_same_whoever_came_before(
    browser: Client, agent: AgentConfig, bob: User, client_of: Callable[[User], Client]
) -> None:
    bobs = AgentConfig.objects.create(owner=bob, name="Bob's", handle="bobs", provider="openai")
    values = {"provider": "openai", "tool_settings": SETTINGS, "permissions": PERMISSIONS}
    for tools in (list(CATALOGUE), []):
        AgentConfig.objects.filter(pk=agent.pk).update(tools=tools, **values)
        assert f">/{PRIVATE}<" in page_of(browser, agent) or f'"/{PRIVATE}"' in page_of(browser, agent)
    other = client_of(bob)
    after = page_of(other, bobs)
    assert PRIVATE not in after
    for written in (blank_card, _blank_tool):
        written.cache_clear()
    assert after == page_of(other, bobs)


@pytest.mark.parametrize(
    ("tool", "chosen", "given", "permissions"),
    [
        ("facts", ["facts"], {}, {}),
        ("facts", [], {"facts": {"directory": "/x"}}, {}),
        ("facts", [], {}, {"facts_save": ["deny"]}),
        ("facts", [], {}, {"facts": ["deny text=x"]}),
        ("web_search", [], {}, {}),
    ],
)
def test_a_card_with_anything_of_an_agent_is_not_blank(
    tool: str, chosen: list[str], given: dict[str, object], permissions: dict[str, object]
) -> None:
    cards = {card.entry.tool.value: card for card in tool_cards(chosen, given, permissions)}
    assert not cards[tool].is_blank
    assert cards["workspace"].is_blank


def test_its_link_leads_to_the_services_of_its_own_agent(browser: Client, agent: AgentConfig) -> None:
    other = AgentConfig.objects.create(owner=agent.owner, name="Grace", handle="grace", provider="openai")
    for each in (agent, other):
        links = re.findall(r'href="(/agents/\d+/services/[^"]*)"', page_of(browser, each))
        assert set(links) == {f"/agents/{each.pk}/services/"}
        assert len(links) >= 3


def test_who_may_not_choose_tools_sees_each_of_them_disabled(browser: Client, agent: AgentConfig) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai")
    assert " disabled> <span>Clock" not in page_of(browser, agent)
    AgentConfig.objects.filter(pk=agent.pk).update(provider="local")
    page = page_of(browser, agent)
    assert len(re.findall(r'<input type="checkbox" name="tools" [^>]* disabled', page)) == len(CATALOGUE)


def test_it_is_what_an_empty_card_gives() -> None:
    card = next(card for card in tool_cards(["calculator"], {}, {}) if card.entry.tool == "fetch")
    assert _blank_tool("fetch") == render_to_string("configs/_tool_card.html", {"card": card})
