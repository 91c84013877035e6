"""Pictures of what an agent is given: servers, APIs, programs, other agents, a search, skills."""

from __future__ import annotations

import json

from playwright.sync_api import Page

from configs.models import AgentConfig
from tests.standins.a2a_agent import A2AStandIn
from tests.standins.search import SearXNGStandIn

from .shots import Shoot, scheme, shoot

__all__ = ["scheme", "shoot"]


def test_servers_and_apis(shoot: Shoot, agent: AgentConfig) -> None:
    at = f"/agents/{agent.pk}/services/"
    shoot("without-tools", at)
    schema = {"type": "object", "properties": {"path": {"type": "string", "description": "Where it is."}}}
    tools = [
        {"name": name, "description": f"Can {name} a file.", "inputSchema": schema}
        for name in ("read", "write")
    ]

    def send(page: Page, listing: str) -> None:
        page.get_by_text("Add a program of your machine").click()
        page.locator("#id_local_name").fill("files")
        page.get_by_label("Command").fill("npx -y my-server --root /home/ada/documents")
        page.get_by_label("Its tools").fill(listing)
        page.get_by_role("button", name="List its tools").click()
        page.wait_for_url("**/services/local/")

    shoot("refused", at, lambda page: send(page, "no JSON"))
    shoot("offered", at, lambda page: send(page, json.dumps([*tools, {"name": "odd"}])))
    part = {"function": "local_files_read", "name": "read", "description": "Old.", "schema": schema}
    program = {"name": "files", "command": "npx", "env": ["TOKEN"], "tools": [part]}
    AgentConfig.objects.filter(pk=agent.pk).update(
        provider="openai", model="gpt-x", tools=["local"], tool_settings={"local": {"servers": [program]}}
    )
    shoot("chosen", at)
    shoot("changed", at, lambda page: send(page, json.dumps(tools)))
    shoot("with-a-program", f"/agents/{agent.pk}/capabilities/")


def test_skills(shoot: Shoot, agent: AgentConfig) -> None:
    at = f"/agents/{agent.pk}/skills/"
    main = "---\nname: pdf-forms\ndescription: Fills in forms.\nmetadata: {a: b}\n---\nAsk.\n"

    def paste(page: Page, text: str) -> None:
        page.get_by_label("Or paste a SKILL.md").fill(text)
        page.get_by_role("button", name="Add", exact=True).click()
        page.wait_for_load_state()

    shoot("empty", at)
    shoot("refused", at, lambda page: paste(page, "Ask for the date."))
    shoot("added", at, lambda page: paste(page, main))
    long = {"path": "references/a-very-long-name-of-a-file-that-does-not-fit-into-a-line.md", "text": "x"}
    skill = {"name": "tides", "description": "Reads tables.", "instructions": "Read.", "files": [long]}
    AgentConfig.objects.filter(pk=agent.pk).update(skills=[skill])
    shoot("skills", at, lambda page: page.get_by_text("2 files").first.click())
    shoot("skills", f"/agents/{agent.pk}/knowledge/")


def test_another_agent(shoot: Shoot, agent: AgentConfig, harbour: A2AStandIn) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(provider="openai", model="gpt-x")
    at = f"/agents/{agent.pk}/services/"

    def read(page: Page, url: str) -> None:
        page.get_by_text("Add another agent").click()
        page.locator("#id_agent_name").fill("harbour")
        page.locator("#id_agent_url").fill(url)
        page.get_by_role("button", name="Read its card").click()
        page.wait_for_url("**/services/agent/")

    shoot("agent-refused", at, lambda page: read(page, "http://10.0.0.1/"))
    shoot("agent-read", at, lambda page: read(page, harbour.url))
    other = harbour.pinned("harbour")
    other["cards"][0]["name"] = "Old name"
    settings = {"agent": {"agents": [other]}}
    AgentConfig.objects.filter(pk=agent.pk).update(tools=["agent"], tool_settings=settings)
    shoot("agent-chosen", at)
    shoot("agent-changed", at, lambda page: page.get_by_role("button", name="Test harbour").click())
    shoot("agent-chosen", f"/agents/{agent.pk}/capabilities/")


def test_a_web_search(shoot: Shoot, agent: AgentConfig, search_service: SearXNGStandIn) -> None:
    search = {"provider": "searxng", "url": search_service.url, "allowed_hosts": ["sea.example"]}
    AgentConfig.objects.filter(pk=agent.pk).update(
        provider="openai", model="gpt-x", tools=["web_search"], tool_settings={"web_search": search}
    )

    def try_it(page: Page) -> None:
        page.get_by_label("Try a search").fill("tides")
        page.get_by_role("button", name="Search", exact=True).click()
        page.wait_for_url("**/web-search/test/*")

    shoot("searched", f"/agents/{agent.pk}/capabilities/", try_it)
