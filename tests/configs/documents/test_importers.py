"""Files of other programs become agents: what is left out is listed, and keys go to the vault."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from agentforge.accounts.models import User
from configs.keys import vault
from configs.keys.service_keys import service_key
from configs.models import AgentConfig, ApiKey
from tests.configs.test_openapi_tools import DOCUMENT

pytestmark = pytest.mark.django_db
SECRET = "desk-key-0123456789abcdef"
SERVERS = """
{
  // what a person keeps
  "mcpServers": {
    "Help Desk": {"type": "http", "url": "https://desk.example.org/mcp",
                  "headers": {"Authorization": "Bearer desk-key-0123456789abcdef", "X-Team": "a"},
                  "autoApprove": ["find"], "timeout": 60},
    "help-desk": {"serverUrl": "https://other.example.org/mcp", "headers": {"X-API-Key": "${KEY}"}},
    "files": {"command": "npx", "args": ["-y", "server-filesystem"], "env": {"TOKEN": "t0ken"}},
    "off": {"httpUrl": "https://off.example.org/mcp", "disabled": true},
    "odd": {"url": "ftp://odd.example.org"},
  },
}
"""


def _import(browser: Client, text: str) -> tuple[AgentConfig, list[str]]:
    response = browser.post("/agents/import/", {"document": text}, headers={"accept": "application/json"})
    assert response.status_code == 201, response.content
    return AgentConfig.objects.get(pk=response.json()["id"]), response.json()["notes"]


def test_mcp_servers(browser: Client, alice: User) -> None:
    agent, notes = _import(browser, SERVERS)
    assert agent.tools == ["local", "mcp"]
    assert agent.tool_settings["local"]["servers"] == [
        {
            "name": "files",
            "command": "npx",
            "args": ["-y", "server-filesystem"],
            "env": ["TOKEN"],
            "tools": [],
        }
    ]
    assert agent.tool_settings["mcp"]["servers"] == [
        {
            "name": "help_desk",
            "url": "https://desk.example.org/mcp",
            "auth": {"kind": "bearer"},
            "tools": [],
        },
        {
            "name": "help_desk_2",
            "url": "https://other.example.org/mcp",
            "auth": {"kind": "header", "name": "X-API-Key"},
            "tools": [],
        },
    ]
    for words in (
        "help_desk: left out autoApprove, timeout",
        "left out the headers X-Team",
        "help_desk_2: enter its key",
        "files: the values of TOKEN were not read",
        "off was left out: it is turned off",
        "odd was left out: Only http",
        "is in the vault now",
    ):
        assert words in "\n".join(notes)
    key = service_key(alice.pk, "https://desk.example.org/mcp")
    assert key is not None and vault.reveal(key, "tested") == SECRET
    assert SECRET not in str(notes) + str(agent.tool_settings)
    assert "t0ken" not in str(notes) + str(agent.tool_settings)
    page = browser.get(f"/agents/{agent.pk}/services/").content.decode()
    assert "https://desk.example.org/mcp" in page and SECRET not in page


def test_the_header_with_the_key_is_found_and_no_other_reaches_the_vault(
    browser: Client, alice: User
) -> None:
    usual = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "x"}
    servers = {
        "desk": {
            "url": "https://desk.example.org/mcp",
            "headers": {**usual, "A-Team": "a", "X-API-Key": SECRET},
        },
        "host": {"url": "https://host.example.org/mcp", "headers": {"Host": "elsewhere.example.org"}},
        "open": {"url": "https://open.example.org/mcp", "headers": usual},
    }
    agent, notes = _import(browser, json.dumps({"mcpServers": servers}))
    desk, other = agent.tool_settings["mcp"]["servers"]
    assert desk["auth"] == {"kind": "header", "name": "X-API-Key"}
    assert (other["name"], other.get("auth")) == ("open", None)
    assert "desk: left out the headers A-Team, Accept, Content-Type, User-Agent." in notes
    assert [key.base_url for key in ApiKey.objects.filter(owner=alice)] == [desk["url"]]


def test_what_everybody_can_read_is_pointed_out(browser: Client) -> None:
    servers = {
        "remote": {"command": "npx", "args": ["mcp-remote", "--header", f"Authorization: Bearer {SECRET}"]},
        "query": {"url": "https://desk.example.org/mcp?team=a"},
    }
    _, notes = _import(browser, json.dumps({"mcpServers": servers}))
    assert "remote: whoever has the agent can read its command" in "\n".join(notes)
    assert "query: whoever has the agent can read its address" in "\n".join(notes)
    assert SECRET not in str(notes)


def test_servers_beyond_the_limit_are_left_out(browser: Client) -> None:
    servers = {f"s{number}": {"url": f"https://s{number}.example.org/mcp"} for number in range(12)}
    agent, notes = _import(browser, json.dumps({"mcpServers": servers}))
    assert len(agent.tool_settings["mcp"]["servers"]) == 10
    assert "s11 was left out: an agent has at most 10." in notes


def test_an_api_whose_key_goes_where_agents_send_none(browser: Client) -> None:
    schemes = {"key": {"type": "apiKey", "in": "header", "name": "X Key"}}
    text = json.dumps(
        {
            **DOCUMENT,
            "servers": [{"url": "https://pets.example.org/v1"}],
            "components": {**DOCUMENT["components"], "securitySchemes": schemes},
        }
    )
    agent, notes = _import(browser, text)
    assert "auth" not in agent.tool_settings["api"]["services"][0]
    assert "Its calls may need a key" in "\n".join(notes)


def test_an_openapi_document(browser: Client) -> None:
    text = json.dumps({**DOCUMENT, "servers": [{"url": "https://pets.example.org/v1"}]})
    agent, notes = _import(browser, text)
    [service] = agent.tool_settings["api"]["services"]
    assert (agent.name, agent.tools, service["url"]) == ("Pet shop", ["api"], "https://pets.example.org/v1")
    assert len(service["operations"]) == 4
    assert service["auth"] == {"kind": "header", "name": "X-API-Key"}
    assert "POST /upload was left out: its body is multipart/form-data" in "\n".join(notes)


def test_an_elizaos_character(browser: Client) -> None:
    character = {
        "name": "Eliza",
        "bio": ["A listener.", "Calm."],
        "topics": ["dreams"],
        "style": {"all": ["short"], "post": ["loud"]},
        "plugins": ["x"],
        "knowledge": ["Tides turn.", {"path": "tides.md"}],
        "settings": {"secrets": {"OPENAI_API_KEY": SECRET}},
    }
    agent, notes = _import(browser, json.dumps(character))
    assert (agent.name, agent.description) == ("Eliza", "A listener. Calm.")
    assert "You know about:\ndreams" in agent.custom_instructions
    assert notes[-3:] == [
        "Left out: plugins, style.post.",
        "Its files were left out: add them under Knowledge.",
        "Its settings and secrets were not read. Add keys under API keys.",
    ]
    assert SECRET not in str(agent.custom_instructions) and not ApiKey.objects.exists()


def test_a_character_card(browser: Client) -> None:
    data = {"name": "Ada", "description": "{{char}} counts.", "first_mes": "Hi", "system_prompt": "Be exact."}
    agent, notes = _import(browser, json.dumps({"spec": "chara_card_v2", "data": data}))
    assert agent.custom_instructions == "Be exact.\n\nAbout you:\nAda counts."
    assert "Left out: first_mes." in notes


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"mcpServers": {"a": {"command": ""}}}, "None of these servers can be used."),
        ({"mcpServers": {}}, "None of these servers can be used."),
        ({"openapi": "3.1.0", "paths": {}}, "does not say where the API is"),
        ({"swagger": "2.0"}, "Swagger 2.0"),
    ],
)
def test_what_cannot_be_used(browser: Client, document: dict[str, Any], words: str) -> None:
    response = browser.post("/agents/import/", {"document": json.dumps(document)})
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not AgentConfig.objects.exists()


def test_what_was_left_out_is_shown_once_to_who_imported(
    browser: Client, bob: User, client_of: Callable[[User], Client]
) -> None:
    bobs = client_of(bob)
    # More than a cookie holds.
    servers = {f"odd{number}": {"url": "ftp://odd.example.org"} for number in range(60)}
    servers["desk"] = {"url": "https://desk.example.org/mcp"}
    for name in ("one", "two"):
        document = {"mcpServers": {**servers, name: {"url": "https://desk.example.org/mcp"}}}
        browser.post("/agents/import/", {"document": json.dumps(document)})
    assert "left out" not in bobs.get("/agents/").content.decode()
    page = browser.get("/agents/").content.decode()
    assert page.count("odd59 was left out") == 2
    assert "one: add its tools" in page and "two: add its tools" in page
    assert "left out" not in browser.get("/agents/").content.decode()
