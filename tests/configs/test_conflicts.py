"""Save one draft from two sides: nothing is overwritten unseen."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from agentforge.accounts.models import User
from configs.models import AgentConfig
from tests.drivers.pages import shown

from .test_tabs import VALID, url

SCRIPT: dict[str, Any] = {"content_type": "application/json", "headers": {"Accept": "application/json"}}
HIDDEN = re.compile(r'name="(base|yours)" value="([^"]*)"')


def hidden(page: str) -> dict[str, str]:
    """Return what a page wants to have back unseen."""
    return {name: html.unescape(value) for name, value in HIDDEN.findall(page)}


def opened(browser: Client, agent: AgentConfig, tab: str) -> dict[str, Any]:
    """Return what the page of a tab would send without a change."""
    shown = browser.get(url(agent, tab), headers={"Accept": "application/json"}).json()
    values = {name: value for name, value in shown.items() if name not in ("success", "errors", "edition")}
    values = {name: "" if value is None or value is False else value for name, value in values.items()}
    return {**values, **hidden(browser.get(url(agent, tab)).content.decode())}


def resolve(browser: Client, agent: AgentConfig, page: str, tab: str = "identity", **choices: str) -> Any:
    chosen = {f"choose_{name}": side for name, side in choices.items()}
    return browser.post(f"/agents/{agent.pk}/conflict/{tab}/", {**hidden(page), **chosen})


def test_the_later_save_sees_both_sides_and_chooses(browser: Client, agent: AgentConfig) -> None:
    first, second = opened(browser, agent, "identity"), opened(browser, agent, "identity")
    assert (
        browser.post(url(agent, "identity"), {**first, "name": "Grace", "version": "2.0.0"}).status_code
        == 302
    )
    met = browser.post(url(agent, "identity"), {**second, "name": "Hedy", "description": "Mine <b>"})
    page = shown(met)
    assert met.status_code == 409
    assert AgentConfig.objects.get(pk=agent.pk).name == "Grace"
    for words in ("Grace", "Hedy", "2.0.0", "0.1.0", "Mine &lt;b&gt;", "Both sides changed this."):
        assert words in page
    # What only one side changed is marked; what both changed is for the person to say.
    assert re.search(r'name="choose_version" value="saved" required checked', page)
    assert re.search(r'name="choose_description" value="yours" required checked', page)
    assert not re.search(r'name="choose_name" value="\w+" required checked', page)
    saved = resolve(browser, agent, page, name="yours", version="saved", description="yours")
    assert (saved.status_code, saved["Location"]) == (302, url(agent, "identity"))
    now = AgentConfig.objects.get(pk=agent.pk)
    assert (now.name, now.version, now.description) == ("Hedy", "2.0.0", "Mine <b>")


def test_no_side_is_taken_for_a_field_without_a_choice(browser: Client, agent: AgentConfig) -> None:
    stale = opened(browser, agent, "identity")
    AgentConfig.objects.filter(pk=agent.pk).update(name="Grace")
    page = browser.post(url(agent, "identity"), {**stale, "name": "Hedy"}).content.decode()
    response = resolve(browser, agent, page)
    assert response.status_code == 422
    assert "Choose one of the two." in response.content.decode()
    assert AgentConfig.objects.get(pk=agent.pk).name == "Grace"
    assert resolve(browser, agent, response.content.decode(), name="yours").status_code == 302
    assert AgentConfig.objects.get(pk=agent.pk).name == "Hedy"


def test_a_third_save_meanwhile_is_shown_as_well(browser: Client, agent: AgentConfig) -> None:
    stale = opened(browser, agent, "identity")
    AgentConfig.objects.filter(pk=agent.pk).update(name="Grace")
    page = browser.post(url(agent, "identity"), {**stale, "name": "Hedy"}).content.decode()
    AgentConfig.objects.filter(pk=agent.pk).update(name="Joan")
    again = resolve(browser, agent, page, name="yours")
    assert again.status_code == 409
    assert "Joan" in again.content.decode()


@pytest.mark.parametrize(
    ("tab", "mine", "theirs", "words"),
    [
        (
            "personality",
            {"traits": ["patient", "candid"]},
            {"traits": ["curious"]},
            ("Patient, Candid", "Curious"),
        ),
        ("capabilities", {"memory": ""}, {"memory": True, "memory_turns": 3}, ("Off", "On", "3")),
        ("keys", {"provider": "openai", "model": "a"}, {"model": "b"}, ("OpenAI", "Local model")),
    ],
)
def test_every_tab_shows_its_sides_in_words(
    browser: Client,
    agent: AgentConfig,
    tab: str,
    mine: dict[str, Any],
    theirs: dict[str, Any],
    words: tuple[str],
) -> None:
    stale = opened(browser, agent, tab)
    AgentConfig.objects.filter(pk=agent.pk).update(**theirs)
    met = browser.post(url(agent, tab), {**stale, **mine})
    assert met.status_code == 409
    for word in words:
        assert f">{word}<" in met.content.decode()


def test_the_same_values_are_no_conflict(browser: Client, agent: AgentConfig) -> None:
    stale = opened(browser, agent, "identity")
    AgentConfig.objects.filter(pk=agent.pk).update(name="Grace")
    assert browser.post(url(agent, "identity"), {**stale, "name": "Grace"}).status_code == 302


def test_another_tab_of_the_draft_is_no_conflict(browser: Client, agent: AgentConfig) -> None:
    stale = opened(browser, agent, "identity")
    browser.post(url(agent, "personality"), VALID["personality"])
    assert browser.post(url(agent, "identity"), {**stale, "name": "Grace"}).status_code == 302


def test_a_page_that_was_refused_keeps_what_it_began_with(browser: Client, agent: AgentConfig) -> None:
    stale = opened(browser, agent, "identity")
    refused = browser.post(url(agent, "identity"), {**stale, "version": "1"}).content.decode()
    AgentConfig.objects.filter(pk=agent.pk).update(name="Grace")
    sent = {**stale, **hidden(refused), "name": "Hedy"}
    assert browser.post(url(agent, "identity"), sent).status_code == 409


def test_htmx_gets_the_whole_page(browser: Client, agent: AgentConfig) -> None:
    stale = opened(browser, agent, "identity")
    AgentConfig.objects.filter(pk=agent.pk).update(name="Grace")
    met = browser.post(url(agent, "identity"), {**stale, "name": "Hedy"}, headers={"HX-Request": "true"})
    assert (met.status_code, met["HX-Retarget"]) == (409, "#main")


def test_scripts_get_both_sides_and_the_new_edition(browser: Client, agent: AgentConfig) -> None:
    edition = browser.get(url(agent, "identity"), **SCRIPT).json()["edition"]
    AgentConfig.objects.filter(pk=agent.pk).update(name="Grace")
    sent = {"name": "Hedy", "edition": edition}
    met = browser.post(url(agent, "identity"), sent, **SCRIPT)
    data = met.json()
    assert (met.status_code, met["Content-Type"]) == (409, "application/problem+json")
    assert data["conflicts"] == {"name": {"yours": "Hedy", "saved": "Grace"}}
    saved = browser.post(url(agent, "identity"), {**sent, "edition": data["edition"]}, **SCRIPT)
    assert (saved.status_code, saved.json()["name"]) == (200, "Hedy")
    assert saved.json()["edition"] not in (edition, data["edition"])


def test_scripts_choose_sides(browser: Client, agent: AgentConfig) -> None:
    shown = browser.get(url(agent, "identity"), **SCRIPT).json()
    values = {name: shown[name] for name in ("name", "handle", "type", "description", "version")}
    sent = {"yours": {**values, "name": "Hedy"}, "base": values}
    response = browser.post(f"/agents/{agent.pk}/conflict/identity/", sent, **SCRIPT)
    assert (response.status_code, list(response.json()["errors"])) == (422, ["choose_name"])
    sent["choose_name"] = "yours"  # type: ignore[assignment]
    assert browser.post(f"/agents/{agent.pk}/conflict/identity/", sent, **SCRIPT).json()["name"] == "Hedy"


@pytest.mark.parametrize("sides", [{}, {"yours": "{}", "base": "{}"}, {"yours": "[1", "base": "3"}])
def test_sides_that_are_not_whole_are_refused(
    browser: Client, agent: AgentConfig, sides: dict[str, str]
) -> None:
    answer = browser.post(f"/agents/{agent.pk}/conflict/identity/", sides)
    assert answer.status_code == 400
    assert browser.post(f"/agents/{agent.pk}/conflict/builds/", sides).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_of_saves_at_the_same_moment_one_wins(
    agent: AgentConfig, alice: User, client_of: Callable[[User], Client]
) -> None:
    clients = [client_of(alice) for _ in range(4)]
    stale = opened(clients[0], agent, "identity")

    def post(number: int) -> int:
        try:
            answer = clients[number].post(url(agent, "identity"), {**stale, "name": f"Name {number}"})
            return answer.status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(post, range(4))) == [302, 409, 409, 409]
