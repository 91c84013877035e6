"""docker-agent's files: one agent of them, and a note for whatever it loses."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from agentforge.accounts.models import User
from configs.keys import vault
from configs.keys.service_keys import service_key
from configs.models import AgentConfig

pytestmark = pytest.mark.django_db
SECRET = "desk-key-0123456789abcdef"
FILE = f"""
version: "15"
models:
  writer:
    {{provider: anthropic, model: claude-sonnet-4-5, temperature: 1.4, max_tokens: 4000, token_key: MY_KEY}}
mcps:
  desk:
    type: mcp
    remote:
      url: https://desk.example.org/mcp
      transport_type: streamable
      headers: {{Authorization: Bearer {SECRET}}}
agents:
  root:
    model: writer
    description: Answers letters.
    instruction: |
      You answer letters.
      // Keep this line.
    fallback: {{models: [google/gemini-2.5-flash, openai/gpt-5-mini]}}
    max_iterations: 50
    num_history_items: 30
    structured_output:
      name: letter
      schema:
        {{type: object, properties: {{text: {{type: string}}}}, required: [text]}}
    sub_agents: [helper]
    hooks: {{session_start: [{{type: builtin, command: add_date}}]}}
    toolsets:
      - type: think
      - {{type: memory, path: ./memory.db}}
      - type: filesystem
      - type: fetch
      - {{type: shell, sudo_askpass: true}}
      - {{type: mcp, ref: desk, tools: [find]}}
      - {{type: mcp, ref: "docker:duckduckgo"}}
      - {{type: mcp, command: npx, args: [-y, server-time], env: {{TOKEN: t0ken}}}}
      - {{type: mcp, command: npx, args: [-y, server-git]}}
  helper: {{model: openai/gpt-5-mini, instruction: Help.}}
permissions: {{allow: [shell]}}
"""


def _import(browser: Client, text: str) -> tuple[AgentConfig, list[str]]:
    response = browser.post("/agents/import/", {"document": text}, headers={"accept": "application/json"})
    assert response.status_code == 201, response.content
    return AgentConfig.objects.get(pk=response.json()["id"]), response.json()["notes"]


def test_the_agent_has_its_model_its_instructions_and_its_limits(browser: Client) -> None:
    agent, _ = _import(browser, FILE)
    assert (agent.name, agent.description) == ("Imported agent", "Answers letters.")
    assert agent.custom_instructions == "You answer letters.\n// Keep this line."
    assert (agent.provider, agent.model) == ("anthropic", "claude-sonnet-4-5")
    assert (agent.fallback_provider, agent.fallback_model) == ("gemini", "gemini-2.5-flash")
    assert (float(agent.creativity), agent.tool_rounds, agent.memory_turns) == (1.0, 20, 15)
    assert json.loads(agent.answer_schema)["required"] == ["text"]


def test_its_tools_are_ours_and_its_keys_go_to_the_vault(browser: Client, alice: User) -> None:
    agent, notes = _import(browser, FILE)
    assert agent.tools == ["facts", "local", "mcp", "workspace"]
    [server] = agent.tool_settings["mcp"]["servers"]
    assert (server["url"], server["auth"]) == ("https://desk.example.org/mcp", {"kind": "bearer"})
    programs = agent.tool_settings["local"]["servers"]
    assert [(each["name"], each["args"][1]) for each in programs] == [
        ("npx", "server-time"),
        ("npx_2", "server-git"),
    ]
    key = service_key(alice.pk, "https://desk.example.org/mcp")
    assert key is not None and vault.reveal(key, "tested") == SECRET
    assert SECRET not in str(notes) and "t0ken" not in str(notes) + str(agent.tool_settings)


def test_whatever_it_loses_is_listed(browser: Client) -> None:
    _, notes = _import(browser, FILE)
    for words in (
        "Only the agent root was imported. Left out: helper.",
        "Of the file: left out permissions.",
        "root: left out hooks, sub_agents.",
        "Model writer: left out max_tokens, token_key.",
        "The temperature became 1, the highest here.",
        "The fallback openai/gpt-5-mini was left out: an agent has one.",
        "max_iterations became 20 rounds of tools, the most here.",
        "The tool think was left out.",
        "The tool memory: left out path.",
        "The tool fetch was left out: choose Web pages",
        "The tool shell was left out.",
        "desk: left out tools.",
        "docker:duckduckgo was left out: it is an image of a catalogue.",
        "npx: the values of TOKEN were not read",
    ):
        assert words in "\n".join(notes)


@pytest.mark.parametrize(
    ("model", "provider", "note"),
    [
        ("openai/gpt-5-mini", ("openai", "gpt-5-mini"), ""),
        ("openrouter/meta/llama-4", ("openrouter", "meta/llama-4"), ""),
        ("amazon-bedrock/x", None, "The model amazon-bedrock/x was left out"),
        ("own", ("openai_compatible", "m"), "document's model server is https://own.example.org/v1"),
        ("auto", None, "The model auto/ was left out"),
    ],
)
def test_models(browser: Client, model: str, provider: tuple[str, str] | None, note: str) -> None:
    models = "models: {own: {provider: openai, model: m, base_url: 'https://own.example.org/v1'}}"
    agent, notes = _import(
        browser, f"{models}\nagents: {{letter_writer: {{model: {model}, instruction: Hi}}}}"
    )
    assert agent.name == "Letter writer"
    if provider:
        assert (agent.provider, agent.model) == provider
    assert note in "\n".join(notes)


def test_a_form_of_answers_that_providers_do_not_take_is_left_out(browser: Client) -> None:
    output = "{name: a, schema: {type: array}}"
    agent, notes = _import(browser, f"agents: {{root: {{instruction: Hi, structured_output: {output}}}}}")
    assert agent.answer_schema == ""
    assert "structured_output was left out: The answer must be an object" in "\n".join(notes)


@pytest.mark.parametrize(
    "value",
    ["!!binary aGk=", "!!set {a}", "!!timestamp 2026-01-01", '!!int ""', "!!bool x", "0x" + "f" * 5000],
)
def test_values_that_json_does_not_have_are_refused(browser: Client, value: str) -> None:
    output = f"{{schema: {{type: object, default: {value}}}}}"
    text = f"agents: {{root: {{instruction: Hi, structured_output: {output}}}}}"
    response = browser.post("/agents/import/", {"document": text}, headers={"accept": "application/json"})
    assert response.status_code == 422


def test_a_temperature_beyond_floats_becomes_the_highest(browser: Client) -> None:
    models = {"m": {"provider": "openai", "model": "gpt-5-mini", "temperature": 10**400}}
    file = {"models": models, "agents": {"root": {"model": "m", "instruction": "Hi"}}}
    agent, notes = _import(browser, json.dumps(file))
    assert float(agent.creativity) == 1.0
    assert "became 1, the highest here." in "\n".join(notes)
