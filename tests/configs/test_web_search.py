"""The web search of an agent: its service chosen and tested in the forge, its key in the vault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from configs.changes import differences, of_draft
from configs.documents.document import parse
from configs.documents.export import export
from configs.keys.agent_environment import environment_of_draft
from configs.keys.service_keys import service_key, service_variable_names
from configs.keys.vault import save_key
from configs.models import AgentConfig, ApiKey
from configs.revisions import configuration, draft_json
from tests.standins.search import STANDINS, Mode, SearchStandIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("with_tools")]
SECRET = "search-key-0123456789abcdef"
JSON = {"accept": "application/json"}
KEYED = ("brave", "tavily")


@pytest.fixture(params=sorted(STANDINS))
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def service(provider: str, settings: Settings) -> Iterator[SearchStandIn]:
    settings.AGENTFORGE_ALLOWED_HOSTS = ["127.0.0.1"]
    with STANDINS[provider](SECRET if provider in KEYED else "") as standin:
        yield standin


def _capabilities(browser: Client, agent: AgentConfig, **search: Any) -> Any:
    sent = {"tools": ["web_search"], "tool_settings": {"web_search": search}}
    url = f"/agents/{agent.pk}/capabilities/"
    response = browser.post(url, json.dumps(sent), content_type="application/json", headers=JSON)
    agent.refresh_from_db()
    return response


def _test(browser: Client, agent: AgentConfig, **data: Any) -> Any:
    return browser.post(f"/agents/{agent.pk}/web-search/test/", {"query": "tide", **data}, headers=JSON)


def _key(provider: str) -> dict[str, str]:
    return {"key": SECRET} if provider in KEYED else {}


def test_settings_of_the_form_reach_agent_json_and_come_back(browser: Client, agent: AgentConfig) -> None:
    before = of_draft(agent)
    form = {
        "memory_turns": "3",
        "tools": ["web_search"],
        "tool_settings.web_search.provider": "searxng",
        "tool_settings.web_search.url": "https://search.example.org/",
        "tool_settings.web_search.count": "3",
        "tool_settings.web_search.allowed_hosts": "Example.org\nexample.com",
        "tool_settings.web_search.excluded_hosts": "bad.example.org",
        "permissions.web_search": "ask",
        "tool_rounds": "2",
        "time_limit_seconds": "30",
        "memory_limit_mb": "256",
    }
    url = f"/agents/{agent.pk}/capabilities/"
    assert browser.post(url, form).status_code == 302
    agent.refresh_from_db()
    able = configuration(agent)["capabilities"]
    assert able["tool_settings"]["web_search"] == {
        "provider": "searxng",
        "url": "https://search.example.org",
        "count": 3,
        "allowed_hosts": ["example.org", "example.com"],
        "excluded_hosts": ["bad.example.org"],
    }
    assert able["permissions"] == {"web_search": ["ask"]}
    page = browser.get(url).content.decode()
    assert '<option value="searxng" selected>' in page and ">example.org\nexample.com</textarea>" in page
    words = {each.label: each.after for each in differences(before, of_draft(agent))}
    assert "web_search provider searxng" in words["Settings of tools"]
    assert parse(export(agent)).values["tool_settings"] == agent.tool_settings


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ({}, "Choose a search service"),
        ({"provider": "altavista"}, "Choose one of"),
        ({"provider": ["brave"]}, "Choose one of"),
        ({"provider": "searxng"}, "Give the address"),
        ({"provider": "searxng", "url": "ftp://example.org"}, "http"),
        ({"provider": "brave", "url": "https://user:pw@example.org"}, "password"),
        ({"provider": "brave", "count": 0}, "from 1 to 10"),
        ({"provider": "brave", "count": "11"}, "from 1 to 10"),
        ({"provider": "brave", "count": True}, "from 1 to 10"),
        ({"provider": "brave", "allowed_hosts": ["*.example.org"]}, "give the host alone"),
        ({"provider": "brave", "excluded_hosts": "example.org:81"}, "give the host alone"),
        ({"provider": "brave", "allowed_hosts": [f"{n}.example" for n in range(11)]}, "at most 10 hosts"),
        ({"provider": "brave", "allowed_hosts": ["a" * 60 + ".example" + str(n) for n in range(3)]}, "150"),
        ({"provider": "brave", "key": SECRET}, "no setting"),
    ],
)
def test_what_does_not_fit_is_refused(
    browser: Client, agent: AgentConfig, search: dict[str, Any], words: str
) -> None:
    response = _capabilities(browser, agent, **search)
    assert response.status_code == 422, response.content
    assert words in str(response.json()["errors"]["tool_settings"])
    assert agent.tool_settings == {}


def test_a_search_shows_what_the_service_finds(
    browser: Client, agent: AgentConfig, provider: str, service: SearchStandIn
) -> None:
    assert _capabilities(browser, agent, provider=provider, url=service.url).status_code == 200
    response = _test(browser, agent, **_key(provider))
    assert response.status_code == 200, response.content
    assert response.json()["results"] == [
        {"title": title, "url": url, "snippet": snippet} for title, url, snippet in service.pages
    ]
    # The second one uses the stored key, and comes as a page.
    answer = browser.post(f"/agents/{agent.pk}/web-search/test/", {"query": "tide"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "https://sky.example/moon" in page and 'value="tide"' in page and SECRET not in page
    assert len(service.asked) == 2


def test_settings_decide_what_is_asked_and_shown(
    browser: Client, agent: AgentConfig, provider: str, service: SearchStandIn
) -> None:
    service.pages.append(("Hidden\u200b &amp; seen", "https://sea.example/x", "\u202eB"))
    service.pages.append(("Bad", "javascript:alert(1)", ""))
    service.pages.append(("Again", "https://sky.example/moon", ""))

    def found(**search: Any) -> list[str]:
        _capabilities(browser, agent, provider=provider, url=service.url, **search)
        response = _test(browser, agent, **_key(provider))
        assert response.status_code == 200, response.content
        return [result["title"] for result in response.json()["results"]]

    assert found() == ["Tides", "The moon", "Hidden & seen"]
    assert found(count=1) == ["Tides"]
    assert found(allowed_hosts=["sky.example", "other.example"]) == ["The moon"]
    asked = service.asked[-1]
    assert (b"include_domains" in asked.body) or ("site%3Asky.example+OR+site%3Aother" in asked.path)
    assert found(excluded_hosts=["sea.example"], count=1) == ["The moon"]


@pytest.mark.parametrize("provider", ["searxng"], indirect=True)
def test_addresses_are_those_of_the_service(
    browser: Client, agent: AgentConfig, provider: str, service: SearchStandIn
) -> None:
    page = "https://xn--bcher-kva.example/?a=1&copy=2"
    service.pages.append(("Books", page, ""))
    _capabilities(browser, agent, provider=provider, url=service.url, allowed_hosts=["xn--bcher-kva.example"])
    assert [result["url"] for result in _test(browser, agent).json()["results"]] == [page]


@pytest.mark.parametrize("provider", ["searxng"], indirect=True)
@pytest.mark.parametrize("spelling", ["xn--bcher-kva.example", "Bücher.example", "bu\u0308cher.example."])
def test_both_spellings_of_a_host_are_one(
    browser: Client, agent: AgentConfig, provider: str, service: SearchStandIn, spelling: str
) -> None:
    for url in (
        "https://xn--bcher-kva.example/1",
        "https://www.bücher.example/2",
        "https://\ufffd.example/3",
    ):
        service.pages.append(("Books", url, ""))
    assert (
        _capabilities(
            browser, agent, provider=provider, url=service.url, excluded_hosts=[spelling]
        ).status_code
        == 200
    )
    assert agent.tool_settings["web_search"]["excluded_hosts"] == ["xn--bcher-kva.example"]
    assert "Books" not in str(_test(browser, agent).json()["results"])
    _capabilities(browser, agent, provider=provider, url=service.url, allowed_hosts=[spelling])
    assert [result["title"] for result in _test(browser, agent).json()["results"]] == ["Books", "Books"]


def test_a_query_is_as_long_as_the_service_takes(
    browser: Client, agent: AgentConfig, provider: str, service: SearchStandIn
) -> None:
    _capabilities(browser, agent, provider=provider, url=service.url)
    assert _test(browser, agent, query="a " * 49 + "a", **_key(provider)).status_code == 200
    assert _test(browser, agent, query="a" * 400).status_code == 200
    for query in ("a " * 50 + "a", "a" * 401):
        refused = _test(browser, agent, query=query)
        assert (refused.status_code, "400 characters" in refused.content.decode()) == (422, True)
    assert len(service.asked) == 2


@pytest.mark.parametrize("provider", ["brave"], indirect=True)
def test_the_field_of_the_key_names_the_address_that_it_is_for(
    browser: Client, agent: AgentConfig, provider: str, service: SearchStandIn
) -> None:
    page = f"/agents/{agent.pk}/capabilities/"
    assert "a key is for one address" in browser.get(page).content.decode()
    _capabilities(browser, agent, provider=provider, url=service.url)
    assert f"For {service.url} only." in browser.get(page).content.decode()
    _capabilities(browser, agent, provider=provider)
    assert "For https://api.search.brave.com/res/v1 only." in browser.get(page).content.decode()
    _capabilities(browser, agent, provider=provider, url=service.url)
    _test(browser, agent, **_key(provider))
    assert f"A key is stored for {service.url}." in browser.get(page).content.decode()


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("unauthorized", "wants a key, or refuses"),
        ("limited", "no more searches now (429)"),
        ("malformed", "not JSON"),
        ("redirect", "redirects to another address"),
        ("huge", "longer than"),
    ],
)
def test_a_service_that_does_not_search_is_said(
    browser: Client, agent: AgentConfig, provider: str, service: SearchStandIn, mode: Mode, words: str
) -> None:
    service.mode = mode
    _capabilities(browser, agent, provider=provider, url=service.url)
    response = _test(browser, agent, **_key(provider))
    assert response.status_code == 422
    assert words in str(response.json()["errors"]["query"])
    assert SECRET not in response.content.decode()
    assert not ApiKey.objects.filter(owner_id=agent.owner_id).exists()
    assert "/elsewhere" not in [asked.path for asked in service.asked]


def test_a_service_that_does_not_answer_is_not_waited_for(
    browser: Client,
    agent: AgentConfig,
    provider: str,
    service: SearchStandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("configs.tools.web_search._SECONDS", 0.3)
    service.mode = "slow"
    _capabilities(browser, agent, provider=provider, url=service.url)
    response = _test(browser, agent, **_key(provider))
    assert "did not answer within 0.3 seconds" in str(response.json()["errors"]["query"])


@pytest.mark.parametrize("provider", ["searxng"], indirect=True)
def test_a_server_without_json_says_what_to_do(
    browser: Client, agent: AgentConfig, provider: str, service: SearchStandIn
) -> None:
    service.mode = "forbidden"
    _capabilities(browser, agent, provider=provider, url=service.url)
    assert "search.formats" in str(_test(browser, agent).json()["errors"])
    assert "takes no key" in str(_test(browser, agent, key="k").json()["errors"]["key"])


@pytest.mark.parametrize("provider", ["brave"], indirect=True)
def test_a_key_is_kept_for_its_address_alone(
    browser: Client, agent: AgentConfig, provider: str, service: SearchStandIn
) -> None:
    save_key(agent.owner_id, "openai", "sk-test-0123456789abcdef")
    _capabilities(browser, agent, provider=provider, url=service.url)
    assert "Paste the key" in str(_test(browser, agent).json()["errors"]["key"])
    assert "refuses" in str(_test(browser, agent, key="wrong").json()["errors"]["query"])
    assert service_key(agent.owner_id, service.url) is None
    assert _test(browser, agent, key=SECRET).status_code == 200
    assert environment_of_draft(agent, draft_json(agent))["AGENT_KEY_WEB_SEARCH_BRAVE"] == SECRET
    elsewhere = draft_json(agent).replace(service.url, "http://127.0.0.1:9")
    assert "AGENT_KEY_WEB_SEARCH_BRAVE" not in environment_of_draft(agent, elsewhere)
    for page in ("capabilities", "services"):
        text = browser.get(f"/agents/{agent.pk}/{page}/").content.decode()
        assert SECRET not in text
    assert SECRET not in draft_json(agent) + export(agent)
    assert service_variable_names(agent, agent.tool_settings) == ["AGENT_KEY_WEB_SEARCH_BRAVE"]
    _capabilities(browser, agent, provider=provider)
    assert "Paste the key" in str(_test(browser, agent).json()["errors"]["key"])


@pytest.mark.parametrize("provider", ["tavily"], indirect=True)
def test_a_stored_key_can_be_removed(
    browser: Client, agent: AgentConfig, provider: str, service: SearchStandIn
) -> None:
    _capabilities(browser, agent, provider=provider, url=service.url)
    page, forget = f"/agents/{agent.pk}/capabilities/", f"/agents/{agent.pk}/web-search/forget/"
    assert "Remove the stored key" not in browser.get(page).content.decode()
    _test(browser, agent, **_key(provider))
    assert "Remove the stored key" in browser.get(page).content.decode()
    answer = browser.post(forget, follow=True).content.decode()
    assert f"The key for {service.url} is removed" in answer and "Remove the stored key" not in answer
    assert service_key(agent.owner_id, service.url) is None
    assert browser.post(forget, headers=JSON).status_code == 200


def test_a_key_goes_over_https_only_and_nowhere_private(browser: Client, agent: AgentConfig) -> None:
    _capabilities(browser, agent, provider="brave", url="http://search.example.org")
    assert "https only" in str(_test(browser, agent, key="k").json()["errors"]["key"])
    _capabilities(browser, agent, provider="searxng", url="http://10.0.0.1")
    assert "private address" in str(_test(browser, agent).json()["errors"]["query"])


def test_without_a_service_there_is_nothing_to_test(browser: Client, agent: AgentConfig) -> None:
    response = browser.post(f"/agents/{agent.pk}/web-search/test/", {"query": "tide"})
    assert response.status_code == 422
    assert "Choose a search service" in response.content.decode()
