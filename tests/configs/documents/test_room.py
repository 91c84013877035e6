"""What can be saved comes back: the parts of the largest agents fit into a document together."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from django.db import transaction
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from agentforge.tenancy.rls import as_service
from configs.documents import room
from configs.documents.export import export
from configs.documents.room import MAX_CHARACTERS, MAX_ENTRIES, REST, SKILLS, TOOLS, Room, dump
from configs.documents.source import load
from configs.knowledge.files import set_files
from configs.knowledge.names import LONGEST_NAME, MOST_FILES
from configs.models import AgentConfig
from configs.skills.entries import MOST_BYTES, size_of
from tests.configs.test_skills import MAIN
from tests.configs.test_tabs import VALID

JSON = {"accept": "application/json"}


def _tool(number: int, description: str, properties: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    if properties:
        schema["properties"] = {f"p{each}": {} for each in range(properties)}
    return {"name": f"t{number}", "function": f"mcp_s_{number}", "description": description, "schema": schema}


def _settings(characters: int, *, properties: int = 0, tools: int = 20) -> dict[str, Any]:
    """Return settings of three tools, each with functions that take about so many characters."""
    text = "word " * (characters // tools // 5)
    parts = [_tool(number, text, properties) for number in range(tools)]
    mcp = {"name": "s", "url": "https://s.example.org/mcp", "tools": parts}
    local_parts = [{**part, "function": part["function"].replace("mcp", "local")} for part in parts]
    local = {"name": "s", "command": "s", "tools": local_parts}
    operations = [
        {**part, "function": part["function"].replace("mcp", "api"), "method": "GET", "path": f"/{number}"}
        for number, part in enumerate(parts)
    ]
    operations = [{**each, "name": f"GET {each['path']}", "description": text[:2000]} for each in operations]
    api = {"name": "s", "url": "https://s.example.org/api", "operations": operations}
    return {"mcp": {"servers": [mcp]}, "local": {"servers": [local]}, "api": {"services": [api]}}


def _save(browser: Client, agent: AgentConfig, tool_settings: dict[str, Any]) -> Any:
    url = f"/agents/{agent.pk}/capabilities/"
    values = browser.get(url, headers=JSON).json()
    values = {name: value for name, value in values.items() if name in VALID["capabilities"]}
    values |= {"tools": sorted(tool_settings), "tool_settings": tool_settings}
    return browser.post(url, values, content_type="application/json", headers=JSON)


def _fill_tools(browser: Client, agent: AgentConfig) -> None:
    """Save as much as the form takes, to within a few KB."""
    left = TOOLS.characters - len(dump({"capabilities": {"tool_settings": _settings(90_000)}}))
    # Two of the three tools hold the text whole; its lines are indented.
    size = 90_000 + left * 9 // 22
    saved = _save(browser, agent, _settings(size))
    assert saved.status_code < 400, saved.content
    assert _save(browser, agent, _settings(size + 8000)).status_code == 422


def _fill_skills(browser: Client, agent: AgentConfig) -> None:
    files = {f"{'d' * 60}/{number}.md": "x\n" for number in range(199)}
    skill = {"name": "forms", "description": "d" * 1024, "instructions": "x", "files": files}
    room_left = MOST_BYTES - size_of({**skill, "files": [{"text": text} for text in files.values()]})
    text = MAIN.replace("Fills in forms.", "d" * 1024) + "y" * (room_left - 200)
    added = browser.post(
        f"/agents/{agent.pk}/skills/add/", {"text": text}, content_type="application/json", headers=JSON
    )
    assert added.status_code == 201, added.content


def _fill_rest(agent: AgentConfig) -> None:
    names = [f"{number:03}".ljust(LONGEST_NAME - 4, "'") + ".txt" for number in range(MOST_FILES)]
    with transaction.atomic(), as_service():
        set_files(agent, [{"name": name, "sha256": f"{number:064x}"} for number, name in enumerate(names)])
    AgentConfig.objects.filter(pk=agent.pk).update(
        custom_instructions="a\n\x85" * 1333, description="'" * 500, name="'" * 60
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("with_tools")
def test_the_largest_agent_is_exported_and_imported_again(browser: Client, agent: AgentConfig) -> None:
    _fill_tools(browser, agent)
    _fill_skills(browser, agent)
    _fill_rest(agent)
    before = export(AgentConfig.objects.get(pk=agent.pk))
    assert 300_000 < len(before) <= MAX_CHARACTERS
    agent.delete()
    response = browser.post("/agents/import/", {"document": before}, headers=JSON)
    assert response.status_code == 201, response.content[:500]
    assert export(AgentConfig.objects.get()) == before


@pytest.mark.django_db
@pytest.mark.usefixtures("with_tools")
@pytest.mark.parametrize(
    ("too_large", "words"),
    [
        (_settings(120_000), "KB of 256 KB in an agent's document, "),
        (_settings(1000, properties=40, tools=60), " entries, "),
    ],
)
def test_tools_without_room_are_refused_in_words(
    browser: Client, agent: AgentConfig, too_large: dict[str, Any], words: str
) -> None:
    refused = _save(browser, agent, too_large)
    assert refused.status_code == 422
    (message,) = refused.json()["errors"]["tool_settings"]
    assert message.startswith("What the tools have together ") and words in message
    assert "Choose fewer functions" in message
    document = {
        "identity": {"name": "x"},
        "capabilities": {"tools": [*too_large], "tool_settings": too_large},
    }
    imported = browser.post("/agents/import/", {"document": json.dumps(document)}, headers=JSON)
    assert imported.status_code == 422
    assert words in imported.content.decode()
    assert AgentConfig.objects.get().tool_settings == {}


@pytest.mark.django_db
def test_skills_that_grow_in_a_document_are_refused_in_words(browser: Client, agent: AgentConfig) -> None:
    # Each of these characters is written as four.
    refused = browser.post(
        f"/agents/{agent.pk}/skills/add/",
        {"text": MAIN + "\x01" * 60_000},
        content_type="application/json",
        headers=JSON,
    )
    assert refused.status_code == 422
    assert "KB of 144 KB in an agent's document, " in refused.content.decode()


def test_the_parts_fit_together() -> None:
    parts = (TOOLS, SKILLS, REST)
    assert sum(part.characters for part in parts) <= MAX_CHARACTERS
    assert sum(part.entries for part in parts) <= MAX_ENTRIES


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab:- \n", max_size=6), inner),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(value=VALUES, limit=st.integers(10, 3000))
def test_what_fits_is_read_back(value: Any, limit: int) -> None:
    part = {"skills": value}
    text = dump(part)
    if not Room(limit, limit).overflow(part):
        assert len(text) <= limit
    assert load(text).entries == part
    assert room._entries(part) == _events(text)


def _events(text: str) -> int:
    # The stream and the document around it are four.
    return sum(1 for _ in yaml.parse(text)) - 4
