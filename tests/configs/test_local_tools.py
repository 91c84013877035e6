"""Programs of a person's own machine: their tools are pasted, and nothing of them runs in the forge."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from configs.models import AgentConfig
from configs.revisions import configuration
from tests.standins.mcp_server import tool

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("with_tools")]
JSON = {"accept": "application/json"}
FIELDS = {"name": "files", "command": "npx -y 'my server'", "env": "TOKEN, OTHER"}


def _post(browser: Client, agent: AgentConfig, act: str, **data: Any) -> Any:
    return browser.post(f"/agents/{agent.pk}/services/{act}/", {**FIELDS, **data}, headers=JSON)


def test_pasted_tools_reach_agent_json(browser: Client, agent: AgentConfig) -> None:
    listing = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"tools": [tool("read"), tool("write")]}})
    listed = _post(browser, agent, "local", listing=listing)
    assert listed.status_code == 200, listed.content
    names = ("name", "function", "description", "schema")
    offered = json.dumps([{name: each[name] for name in names} for each in listed.json()["tools"]])
    saved = _post(browser, agent, "save", tool="local", offered=offered, chosen=["read"])
    assert saved.status_code == 200, saved.content
    agent.refresh_from_db()
    [entry] = configuration(agent)["capabilities"]["tool_settings"]["local"]["servers"]
    assert {name: entry[name] for name in ("name", "command", "args", "env")} == {
        "name": "files",
        "command": "npx",
        "args": ["-y", "my server"],
        "env": ["OTHER", "TOKEN"],
    }
    assert [part["function"] for part in entry["tools"]] == ["local_files_read"]
    page = browser.get(f"/agents/{agent.pk}/services/").content.decode()
    assert "gets OTHER, TOKEN" in page
    assert _post(browser, agent, "remove", tool="local").status_code == 200


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"listing": "{}"}, "Paste the JSON"),
        ({"listing": "no"}, "Paste the JSON"),
        ({"command": "npx 'open"}, "quotation marks"),
        ({"command": "''"}, "Give a command"),
        ({"env": "TOKEN=secret"}, "names only"),
    ],
)
def test_what_is_refused(browser: Client, agent: AgentConfig, data: dict[str, str], words: str) -> None:
    response = _post(browser, agent, "local", **{"listing": "[]", **data})
    assert response.status_code == 422
    assert words in str(response.json()["errors"])
