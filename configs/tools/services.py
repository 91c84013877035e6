"""Services outside the agent: the servers whose tools it calls, as agent.json names them.

A service has a name, an address that is fixed here, and what was chosen of it. Its key is in the vault, under
the address; the agent reads it from a variable that is called after the service.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .search_providers import PROVIDERS, address_of

MCP, API, LOCAL, AGENT, WEB_SEARCH = "mcp", "api", "local", "agent", "web_search"
# The setting with a tool's services, by tool.
SETTING = {MCP: "servers", API: "services", LOCAL: "servers", AGENT: "agents"}
# The setting with what was chosen of each.
PARTS = {MCP: "tools", API: "operations", LOCAL: "tools", AGENT: "cards"}
AUTH_KINDS = {
    MCP: ("bearer", "header"),
    API: ("bearer", "header", "query", "basic"),
    AGENT: ("bearer", "header"),
}
# What the function that answers another agent's question ends with (agent/tools/askagent/askagent.go).
REPLY = "_reply"


@dataclass(frozen=True)
class Auth:
    """How requests carry the key; `name` is that of a header or of a part of the query."""

    kind: str
    name: str = ""


@dataclass(frozen=True)
class ServiceFunction:
    """What the model calls of a service."""

    tool: str
    service: str
    name: str
    label: str
    reads: bool


@dataclass(frozen=True)
class Service:
    """A service; one without an address is a program, which `command` starts."""

    tool: str
    name: str
    url: str
    auth: Auth | None
    functions: tuple[ServiceFunction, ...]
    command: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    seconds: int = 0

    @property
    def place(self) -> str:
        """Return where it is: its address, or the command that starts it."""
        return self.url or shlex.join(self.command)

    @property
    def key_env(self) -> str:
        """Return the variable from which the agent takes the key; empty if there is none."""
        return key_env(self.tool, self.name) if self.auth else ""

    @property
    def host(self) -> str:
        """Return the host with its port, if it is an unusual one."""
        return host_of(self.url)


def key_env(tool: str, name: str) -> str:
    """Return the variable with the key of a service (agent/outbound/service.go)."""
    return f"AGENT_KEY_{tool}_{name}".upper()


def host_of(url: str) -> str:
    """Return the host of an address, with its port if it has one, in lower case."""
    return urlsplit(url).netloc.lower()


def services_of(settings: Mapping[str, Any]) -> list[Service]:
    """Return the services in the settings of tools."""
    found = []
    for tool, setting in SETTING.items():
        for entry in settings.get(tool, {}).get(setting, []):
            auth = Auth(**entry["auth"]) if "auth" in entry else None
            functions = tuple(_functions(tool, entry))
            command = (entry["command"], *entry.get("args", ())) if "command" in entry else ()
            env = tuple(entry.get("env", ()))
            url, seconds = entry.get("url", ""), entry.get("seconds", 0)
            found.append(Service(tool, entry["name"], url, auth, functions, command, env, seconds))
    return [*found, *_search_services(settings.get(WEB_SEARCH, {}))]


def _search_services(given: Mapping[str, Any]) -> Iterator[Service]:
    """Return the service that searches the web, whose functions are the agent's own."""
    provider = PROVIDERS.get(str(given.get("provider")))
    if provider is not None and (url := address_of(given)):
        auth = Auth(**provider.auth) if provider.auth else None
        yield Service(WEB_SEARCH, str(given["provider"]), url, auth, ())


def functions_of(settings: Mapping[str, Any]) -> list[ServiceFunction]:
    """Return what the model calls of the services in the settings of tools."""
    return [function for service in services_of(settings) for function in service.functions]


def _functions(tool: str, entry: Mapping[str, Any]) -> Iterator[ServiceFunction]:
    for part in entry[PARTS[tool]]:
        if tool == AGENT:
            yield from _agent_functions(entry["name"], part["function"])
            continue
        label = f"{entry['name']}: {part.get('name', part['function'])}"
        yield ServiceFunction(tool, entry["name"], part["function"], label, bool(part.get("reads")))


def _agent_functions(name: str, function: str) -> Iterator[ServiceFunction]:
    yield ServiceFunction(AGENT, name, function, f"{name}: ask", reads=False)
    label = f"{name}: answer what it asks back"
    yield ServiceFunction(AGENT, name, function + REPLY, label, reads=False)


def words_of_service(entry: Mapping[str, Any]) -> str:
    """Return a service in words, with a digest that changes with anything of it."""
    parts: list[Any] = next((entry[name] for name in PARTS.values() if name in entry), [])
    names = ", ".join(str(part.get("name", part.get("function"))) for part in parts)
    text = json.dumps(entry, sort_keys=True, ensure_ascii=False)
    place, digest = entry.get("url") or entry.get("command"), hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{entry.get('name')} ({place}: {names}; {digest})"


def function_name(tool: str, service: str, name: str, taken: set[str]) -> str:
    """Return a name that every provider accepts, and add it to those that are taken."""
    plain = re.sub(r"[^a-zA-Z0-9_-]", "_", f"{tool}_{service}_{name}")
    if len(plain) > 64 or plain in taken:
        plain = f"{plain[:55]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    taken.add(plain)
    return plain
