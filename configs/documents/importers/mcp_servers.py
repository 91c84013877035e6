"""`mcpServers`, as Claude, Cursor, VS Code, Gemini and others keep it: servers at an address, and programs.

https://modelcontextprotocol.io/docs/develop/connect-local-servers, and each program's own manual.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from configs.tools.program_validation import clean_command, clean_env
from configs.tools.service_validation import clean_auth, clean_url
from configs.tools.services import LOCAL, MCP

from .base import Foreign, refuse

SERVERS = ("mcpServers", "servers", "context_servers")
_ADDRESS = ("url", "serverUrl", "httpUrl")
# Headers that carry no key.
_PLAIN_HEADERS = frozenset(("accept", "accept-language", "content-type", "user-agent"))
_KEY = re.compile(r"(?i)auth|key|secret|token")
_SUSPECT = re.compile(r"(?i)bearer |api[-_]?key|password|secret|token")
_MOST = 10
_OF_PROGRAMS = ("type", "command", "args", "env", "disabled")
_READ = ("type", "headers", "disabled", "enabled", *_ADDRESS)
_READABLE = "whoever has the agent can read its {}: see that no key is in it."


class _Left(Exception):
    pass


@dataclass(frozen=True)
class Servers:
    """The settings of the tools that the servers are for, with a note for each thing that was left out."""

    settings: Mapping[str, Any]
    notes: Sequence[str]
    # By address.
    keys: Mapping[str, str]

    @classmethod
    def of(cls, listed: Iterable[tuple[Any, Any]]) -> Servers:
        """Return the servers, each with its name, as far as they can be used."""
        servers: list[dict[str, Any]] = []
        notes: list[str] = []
        keys: dict[str, str] = {}
        for given, entry in listed:
            try:
                server = _server(str(given), entry, servers, notes, keys)
            except (_Left, ValidationError) as reason:
                words = reason.messages[0] if isinstance(reason, ValidationError) else str(reason)
                notes.append(f"{str(given)[:60]} was left out: {words}")
                continue
            servers.append(server)
            notes.append(f"{server['name']}: add its tools under Capabilities, Test and choose.")
        of_tool = {
            MCP: [server for server in servers if "url" in server],
            LOCAL: [server for server in servers if "url" not in server],
        }
        settings = {tool: {"servers": some} for tool, some in of_tool.items() if some}
        return cls(settings, notes, keys)


def from_mcp_servers(value: Mapping[str, Any]) -> Foreign:
    """Return an agent with the servers; their tools are chosen when they are tested."""
    listed = next(value[name] for name in SERVERS if isinstance(value.get(name), Mapping))
    servers = Servers.of(listed.items())
    if not servers.settings:
        raise refuse(" ".join(["None of these servers can be used.", *servers.notes]))
    document = {
        "identity": {"name": "Agent with MCP servers"},
        "capabilities": {"tools": sorted(servers.settings), "tool_settings": servers.settings},
    }
    return Foreign(document, tuple(servers.notes), servers.keys)


def _server(
    given: str, entry: Any, others: Sequence[Mapping[str, Any]], notes: list[str], keys: dict[str, str]
) -> dict[str, Any]:
    if not isinstance(entry, Mapping):
        raise _Left("it is not described.")
    address = next((entry[name] for name in _ADDRESS if isinstance(entry.get(name), str)), "")
    if entry.get("disabled") is True or entry.get("enabled") is False:
        raise _Left("it is turned off.")
    if sum(("url" in other) == bool(address) for other in others) == _MOST:
        raise _Left(f"an agent has at most {_MOST}.")
    name = _name(given, {other["name"] for other in others})
    if not address:
        return _program(name, entry, notes)
    server: dict[str, Any] = {"name": name, "url": clean_url(address), "tools": []}
    given_headers = entry.get("headers")
    headers = {str(k): str(v) for k, v in given_headers.items()} if isinstance(given_headers, Mapping) else {}
    if names := sorted((name for name in headers if name.lower() not in _PLAIN_HEADERS), key=_rank):
        server["auth"] = _auth(server, names[0], headers[names[0]].strip(), notes, keys)
    if left := sorted(name for name in headers if name not in names[:1]):
        notes.append(f"{server['name']}: left out the headers {', '.join(left)[:200]}.")
    if "?" in server["url"]:
        notes.append(f"{server['name']}: {_READABLE.format('address')}")
    if further := sorted(str(name) for name in entry if name not in _READ):
        notes.append(f"{server['name']}: left out {', '.join(further)[:200]}.")
    return server


def _program(name: str, entry: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """Return a program; its variables are named, and keep their values where they are."""
    command, args, env = entry.get("command"), entry.get("args", []), entry.get("env")
    clean_command(command, args)
    program: dict[str, Any] = {"name": name, "command": command, "args": args, "tools": []}
    if any(_SUSPECT.search(word) for word in args):
        notes.append(f"{name}: {_READABLE.format('command')} Give it a variable instead.")
    if isinstance(env, Mapping) and env:
        program["env"] = clean_env([str(key) for key in env])
        notes.append(f"{name}: the values of {', '.join(map(str, env))[:200]} were not read: set them there.")
    if further := sorted(str(key) for key in entry if key not in _OF_PROGRAMS):
        notes.append(f"{name}: left out {', '.join(further)[:200]}.")
    return program


def _rank(header: str) -> tuple[bool, bool, str]:
    """Return what orders headers: that of the key first."""
    return header.lower() != "authorization", not _KEY.search(header), header


def _auth(
    server: Mapping[str, Any], name: str, value: str, notes: list[str], keys: dict[str, str]
) -> dict[str, str]:
    """Return how the key is sent; the key itself goes to the vault, unless a variable stands in its place."""
    bearer = re.fullmatch(r"(?i)bearer\s+(.+)", value)
    is_bearer = name.lower() == "authorization" and bearer is not None
    auth = {"kind": "bearer"} if is_bearer else clean_auth(MCP, {"kind": "header", "name": name})
    secret = bearer[1] if bearer is not None and is_bearer else value
    if "${" in secret or not secret:
        notes.append(f"{server['name']}: enter its key when you test it.")
    else:
        keys[str(server["url"])] = secret
    return auth


def _name(given: str, taken: set[str]) -> str:
    plain = re.sub(r"[^a-z0-9_]+", "_", given.lower()).strip("_")
    plain = (plain if plain[:1].isalpha() else f"s_{plain}")[:20].strip("_")
    number = 2
    name = plain
    while name in taken:
        name, number = f"{plain}_{number}", number + 1
    return name
