"""docker-agent's YAML (cagent): one agent of a file, with its model, its instructions and some of its tools.

https://github.com/docker/docker-agent/blob/main/agent-schema.json
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from configs import answer_schema
from configs.choices import Tool
from configs.providers import PROVIDERS

from .base import Foreign, agent_document, lines_of
from .mcp_servers import Servers

_ROOT = "root"
# Their names for what has another one here.
_PROVIDERS = {"google": "gemini"}
_COMPATIBLE = "openai_compatible"
_TOOLS = {"memory": Tool.FACTS, "filesystem": Tool.WORKSPACE}
_MOST_ROUNDS, _MOST_TURNS = 20, 50
_READ = {"agents", "models", "mcps", "version"}
_READ_OF_AGENT = {
    *("model", "description", "instruction", "toolsets", "structured_output", "max_iterations"),
    *("num_history_items", "fallback"),
}
_READ_OF_MODEL = {"provider", "model", "temperature", "base_url"}
_READ_OF_MCP = {"type", "name", "ref", "command", "args", "env", "url", "headers", "remote"}


def is_docker_agent(value: Mapping[str, Any]) -> bool:
    agents = value.get("agents")
    return isinstance(agents, Mapping) and any(
        "instruction" in agent or "model" in agent for agent in agents.values() if isinstance(agent, Mapping)
    )


def from_docker_agent(value: Mapping[str, Any]) -> Foreign:
    """Return the agent `root` of a file, or its first one."""
    agents = {str(name): agent for name, agent in value["agents"].items() if isinstance(agent, Mapping)}
    name = _ROOT if _ROOT in agents else next(iter(agents))
    agent, notes = agents[name], list[str]()
    if others := sorted(set(agents) - {name}):
        notes.append(f"Only the agent {name} was imported. Left out: {', '.join(others)[:300]}.")
    _leave_out(notes, "", value, _READ)
    _leave_out(notes, f"{name}: ", agent, _READ_OF_AGENT)
    title = "Imported agent" if name == _ROOT else name.replace("_", " ").replace("-", " ").capitalize()
    document = agent_document(
        title, lines_of(agent.get("description")), lines_of(agent.get("instruction")), notes
    )
    document |= _models(value, agent, document["personality"], notes)
    document |= _limits(agent, notes)
    tools, keys = _tools(value, agent, notes)
    document["capabilities"] = {**_memory(agent), **tools}
    return Foreign(document, tuple(notes), keys)


def _models(
    value: Mapping[str, Any], agent: Mapping[str, Any], personality: dict[str, Any], notes: list[str]
) -> dict[str, Any]:
    """Return the provider, and the fallback if there is one; a temperature goes into the personality."""
    models = _mapping(value.get("models"))
    model = _model(agent.get("model"), models, notes)
    temperature = model.get("temperature")
    if isinstance(temperature, int | float) and not isinstance(temperature, bool):
        # Compared as it is, and not shown: a whole number may be too large for a float, and even to print.
        personality["creativity"] = float(max(0, min(1, temperature)))
        if temperature > 1:
            notes.append("The temperature became 1, the highest here.")
    sections = {"provider": _provider(model, notes)}
    others = _mapping(agent.get("fallback")).get("models")
    for number, each in enumerate(others if isinstance(others, list) else []):
        if number == 0:
            sections["fallback"] = _provider(_model(each, models, notes), notes)
            if sections["fallback"].pop("base_url", None):
                notes.append("The address of the fallback was left out: add it with a key under API keys.")
        else:
            notes.append(f"The fallback {str(each)[:80]} was left out: an agent has one.")
    return {name: section for name, section in sections.items() if section}


def _model(given: Any, models: Mapping[str, Any], notes: list[str]) -> Mapping[str, Any]:
    """Return a model of the file by its name, or the one that `provider/model` stands for."""
    text = given if isinstance(given, str) else ""
    if isinstance(models.get(text), Mapping):
        model: Mapping[str, Any] = models[text]
        _leave_out(notes, f"Model {text[:60]}: ", model, _READ_OF_MODEL)
        return model
    provider, _, name = text.partition("/")
    return {"provider": provider, "model": name}


def _provider(model: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    given, name = str(model.get("provider", "")), str(model.get("model", ""))
    code = _PROVIDERS.get(given, given)
    address = model.get("base_url")
    if isinstance(address, str) and address.startswith("http") and "$" not in address and name:
        return {"code": _COMPATIBLE, "model": name, "base_url": address}
    if code in PROVIDERS and name and not address:
        return {"code": code, "model": name}
    if given or name:
        notes.append(f"The model {given[:60]}/{name[:80]} was left out: choose one under API keys.")
    return {}


def _limits(agent: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    sections: dict[str, Any] = {}
    rounds = agent.get("max_iterations")
    if isinstance(rounds, int) and not isinstance(rounds, bool) and rounds > 0:
        sections["limits"] = {"tool_rounds": min(rounds, _MOST_ROUNDS)}
        if rounds > _MOST_ROUNDS:
            notes.append(f"max_iterations became {_MOST_ROUNDS} rounds of tools, the most here.")
    if "structured_output" in agent:
        schema = json.dumps(_mapping(agent["structured_output"]).get("schema"))
        try:
            answer_schema.parse(schema)
        except answer_schema.InvalidSchema as reason:
            notes.append(f"structured_output was left out: {reason}")
        else:
            sections["answer"] = {"schema": schema}
    return sections


def _memory(agent: Mapping[str, Any]) -> dict[str, Any]:
    items = agent.get("num_history_items")
    if not isinstance(items, int) or isinstance(items, bool) or items < 1:
        return {}
    # A question and its answer are two items.
    return {"memory": {"enabled": True, "turns": max(1, min(items // 2, _MOST_TURNS))}}


def _tools(
    value: Mapping[str, Any], agent: Mapping[str, Any], notes: list[str]
) -> tuple[dict[str, Any], Mapping[str, str]]:
    """Return the tools with their settings, and the keys of servers by their address."""
    listed = agent.get("toolsets")
    chosen: set[str] = set()
    servers: list[tuple[str, dict[str, Any]]] = []
    for toolset in listed if isinstance(listed, list) else []:
        kind = str(_mapping(toolset).get("type", ""))
        if kind == "mcp":
            servers += _server(toolset, _mapping(value.get("mcps")), notes)
        elif kind in _TOOLS:
            chosen.add(_TOOLS[kind])
            _leave_out(notes, f"The tool {kind}: ", toolset, {"type"})
        elif kind == "fetch":
            notes.append("The tool fetch was left out: choose Web pages, and list the hosts it reads.")
        else:
            notes.append(f"The tool {kind[:60] or 'without a type'} was left out.")
    read = Servers.of(servers)
    notes += read.notes
    tools = {"tools": sorted({*chosen, *read.settings})}
    return {**tools, "tool_settings": read.settings} if read.settings else tools, read.keys


def _server(
    toolset: Mapping[str, Any], shared: Mapping[str, Any], notes: list[str]
) -> list[tuple[str, dict[str, Any]]]:
    """Return the server of a toolset with its name; none if the file does not say where it is."""
    ref = toolset.get("ref")
    entry = {**_mapping(shared.get(ref)), **toolset} if isinstance(ref, str) else dict(toolset)
    remote = _mapping(entry.get("remote"))
    name = str(entry.get("name") or ref or entry.get("command") or "server")
    if isinstance(ref, str) and ref not in shared:
        notes.append(f"{ref[:60]} was left out: it is an image of a catalogue. Add its server by hand.")
        return []
    _leave_out(notes, f"{name[:60]}: ", entry, _READ_OF_MCP)
    wanted = ("command", "args", "env", "url", "headers")
    found = {key: entry[key] for key in wanted if entry.get(key)}
    found |= {key: remote[key] for key in ("url", "headers") if remote.get(key)}
    return [(name, found)]


def _leave_out(notes: list[str], where: str, value: Mapping[str, Any], read: set[str]) -> None:
    further = sorted(str(name) for name, content in value.items() if name not in read and content)
    if further:
        notes.append(f"{where or 'Of the file: '}left out {', '.join(further)[:300]}.")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
