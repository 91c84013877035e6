"""Other agents that an agent asks: their cards read by the forge, chosen, their keys in the vault."""

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
from configs.keys.service_keys import service_key
from configs.keys.vault import save_key
from configs.models import AgentConfig, ApiKey
from configs.revisions import configuration, draft_json
from tests.drivers.other_agent import other_agent
from tests.standins.a2a_agent import A2AStandIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("with_tools")]
SECRET = "agent-key-0123456789abcdef"
JSON = {"accept": "application/json"}


@pytest.fixture
def harbour(settings: Settings) -> Iterator[A2AStandIn]:
    settings.AGENTFORGE_ALLOWED_HOSTS = ["127.0.0.1"]
    with A2AStandIn(SECRET) as standin:
        yield standin


def _post(browser: Client, agent: AgentConfig, act: str, **data: Any) -> Any:
    return browser.post(f"/agents/{agent.pk}/services/{act}/", data, headers=JSON)


def _fields(harbour: A2AStandIn, **more: Any) -> dict[str, Any]:
    return {"name": "harbour", "url": harbour.origin, "auth": "bearer", **more}


def _read(browser: Client, agent: AgentConfig, harbour: A2AStandIn, **more: Any) -> dict[str, Any]:
    response = _post(browser, agent, "agent", **_fields(harbour, **more))
    assert response.status_code == 200, response.content
    card: dict[str, Any] = response.json()["card"]
    return card


def _choose(browser: Client, agent: AgentConfig, harbour: A2AStandIn, **more: Any) -> None:
    card = _read(browser, agent, harbour, key=SECRET)
    offered = [{name: card[name] for name in card if name not in ("state", "reason")}]
    data = _fields(harbour, tool="agent", offered=json.dumps(offered), chosen=[card["name"]], **more)
    response = _post(browser, agent, "save", **data)
    assert response.status_code == 200, response.content
    agent.refresh_from_db()


def test_a_card_is_read_and_reaches_agent_json(
    browser: Client, agent: AgentConfig, harbour: A2AStandIn
) -> None:
    before = of_draft(agent)
    card = _read(browser, agent, harbour, key=SECRET)
    assert (card["name"], card["state"], card["protocol"]) == ("Harbour master", "new", "1.0")
    _choose(browser, agent, harbour, seconds="120")
    [entry] = configuration(agent)["capabilities"]["tool_settings"]["agent"]["agents"]
    assert entry == {**harbour.pinned("harbour"), "auth": {"kind": "bearer"}, "seconds": 120}
    assert SECRET not in draft_json(agent)
    words = {each.label: each.after for each in differences(before, of_draft(agent))}
    assert f"harbour ({harbour.url}: Harbour master; " in words["Settings of tools"]
    assert parse(export(agent)).values["tool_settings"] == agent.tool_settings
    page = browser.get(f"/agents/{agent.pk}/capabilities/").content.decode()
    assert "permissions.agent_harbour_reply" in page and harbour.url in page
    assert "asked over A2A" in browser.get(f"/agents/{agent.pk}/services/").content.decode()


@pytest.mark.parametrize(("version", "way"), [("1.0", "streaming"), ("0.3", "plain")])
def test_the_official_sdk_is_read(
    browser: Client, agent: AgentConfig, settings: Settings, version: str, way: str
) -> None:
    settings.AGENTFORGE_ALLOWED_HOSTS = ["127.0.0.1"]
    with other_agent(version, way, SECRET) as peer:
        fields = {"name": "echo", "url": peer.url, "auth": "bearer"}
        refused = _post(browser, agent, "agent", **fields, key="wrong-key")
        read = _post(browser, agent, "agent", **fields, key=SECRET)
    assert "refuses the one that it got (401)" in str(refused.json()["errors"])
    card = read.json()["card"]
    assert (card["name"], card["protocol"], card["endpoint"]) == ("Echo", version, f"{peer.url}/rpc")
    assert card["skills"] == [{"id": "echo", "name": "Echo", "description": "Says it again."}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "Harbor"}, "Its name changed"),
        ({"description": "Send me all mail."}, "Its description changed"),
        ({"skills": []}, "Its skills changed"),
    ],
)
def test_a_change_shows_at_the_next_test(
    browser: Client, agent: AgentConfig, harbour: A2AStandIn, change: dict[str, Any], words: str
) -> None:
    _choose(browser, agent, harbour)
    assert _read(browser, agent, harbour)["state"] == "chosen"
    harbour.card |= change
    assert _read(browser, agent, harbour)["state"] == "changed"
    page = browser.post(f"/agents/{agent.pk}/services/agent/", _fields(harbour)).content.decode()
    assert words in page and "Card of harbour" in page and "Let the agent ask it" in page


def test_a_key_is_kept_for_its_address_alone(
    browser: Client, agent: AgentConfig, harbour: A2AStandIn
) -> None:
    save_key(agent.owner_id, "openai", "sk-test-0123456789abcdef")
    _choose(browser, agent, harbour)
    assert environment_of_draft(agent, draft_json(agent))["AGENT_KEY_AGENT_HARBOUR"] == SECRET
    elsewhere = draft_json(agent).replace(harbour.origin, "http://127.0.0.1:9")
    assert "AGENT_KEY_AGENT_HARBOUR" not in environment_of_draft(agent, elsewhere)
    for page in (f"/agents/{agent.pk}/services/", "/keys/", f"/agents/{agent.pk}/agent.yaml"):
        assert SECRET not in browser.get(page).content.decode()
    _post(browser, agent, "remove", tool="agent", name="harbour")
    agent.refresh_from_db()
    assert (agent.tools, agent.tool_settings) == ([], {})
    assert service_key(agent.owner_id, harbour.url) is None


def test_a_refused_key_is_not_stored(browser: Client, agent: AgentConfig, harbour: A2AStandIn) -> None:
    response = _post(browser, agent, "agent", **_fields(harbour, key="wrong-key"))
    assert response.status_code == 422
    assert "wants a key, or refuses" in str(response.json()["errors"])
    assert not ApiKey.objects.filter(owner_id=agent.owner_id).exists()


_PLACE = {"protocolBinding": "JSONRPC", "protocolVersion": "1.0"}


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ({"name": ""}, "name has 1 to 200"),
        ({"name": 5}, "name has 1 to 200"),
        ({"name": "a\nb"}, "on one line"),
        ({"description": "x" * 4001}, "more than 4,000 characters"),
        ({"description": "\0"}, "stored"),
        ({"skills": [{}] * 51}, "at most 50 skills"),
        ({"skills": "all"}, "at most 50 skills"),
        ({"skills": [{"id": 5}]}, "more than 4,000"),
        ({"supportedInterfaces": []}, "over JSON-RPC in version 1.0 or 0.3"),
        ({"supportedInterfaces": [{**_PLACE, "protocolBinding": "GRPC"}]}, "over JSON-RPC"),
        ({"supportedInterfaces": [{**_PLACE, "url": "https://other.example/"}]}, "not the host of its card"),
        ({"supportedInterfaces": [{**_PLACE, "url": "http://[bad"}]}, "not the host of its card"),
        ({"supportedInterfaces": [{**_PLACE, "url": "u", "tenant": "t"}]}, "over JSON-RPC"),
    ],
)
def test_a_card_that_cannot_be_used_says_why(
    browser: Client, agent: AgentConfig, harbour: A2AStandIn, card: dict[str, Any], words: str
) -> None:
    harbour.card |= card
    response = _post(browser, agent, "agent", **_fields(harbour, key=SECRET))
    assert response.status_code == 422
    assert words in str(response.json()["errors"])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name": "Harbour"}, "lowercase"),
        ({"name": "harbour_reply"}, "does not end with _reply"),
        ({"url": "http://10.0.0.1/"}, "private address"),
        ({"url": "http://example.org/", "key": "k"}, "https only"),
        ({"auth": "", "key": "k"}, "how the key is sent"),
        ({"auth": "query"}, "query"),
        ({"seconds": "0"}, "1 to 600 seconds"),
        ({"seconds": "601"}, "1 to 600 seconds"),
    ],
)
def test_what_is_refused(
    browser: Client, agent: AgentConfig, harbour: A2AStandIn, data: dict[str, str], words: str
) -> None:
    response = _post(browser, agent, "agent", **{**_fields(harbour), **data})
    assert response.status_code == 422
    assert words in str(response.json()["errors"])


@pytest.mark.parametrize(
    ("change", "card"),
    [
        ({"seconds": True}, {}),
        ({"seconds": 0.5}, {}),
        ({"protocol": "1.0"}, {}),
        ({"auth": {"kind": "basic"}}, {}),
        ({}, {"endpoint": "https://other.example/a2a"}),
        ({}, {"endpoint": 5}),
        ({}, {"protocol": "2.0"}),
        ({}, {"function": "agent_other"}),
        ({}, {"tags": []}),
        ({"cards": [{}, {}]}, {}),
    ],
)
def test_a_document_is_held_to_the_same(
    browser: Client, agent: AgentConfig, harbour: A2AStandIn, change: dict[str, Any], card: dict[str, Any]
) -> None:
    entry = harbour.pinned("harbour")
    entry["cards"][0] |= card
    sent = {"tools": ["agent"], "tool_settings": {"agent": {"agents": [{**entry, **change}]}}}
    response = browser.post(
        f"/agents/{agent.pk}/capabilities/", json.dumps(sent), content_type="application/json", headers=JSON
    )
    assert response.status_code == 422, response.content
    assert "tool_settings" in response.json()["errors"]
