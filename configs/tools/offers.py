"""What a service offers, beside what an agent has of it: chosen, new, changed, gone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.core.exceptions import ValidationError

from .mcp_headers import header_fault
from .openapi.operations import Operation
from .service_validation import clean_operation, clean_tool
from .services import API, MCP, function_name

State = Literal["new", "chosen", "changed", "refused"]
_PINNED = ("name", "description", "schema")


@dataclass(frozen=True)
class OfferedTool:
    """One tool of a server; `reason` says why it can't be chosen."""

    part: Mapping[str, Any]
    state: State
    hints: Sequence[str] = ()
    reason: str = ""
    reads: bool = False

    @property
    def name(self) -> str:
        return str(self.part["name"])

    @property
    def schema_text(self) -> str:
        """Return the schema of the arguments, to be read."""
        return json.dumps(self.part["schema"], indent=2, ensure_ascii=False)

    def as_json(self) -> dict[str, Any]:
        return {**self.part, "state": self.state, "hints": list(self.hints), "reason": self.reason}


def offered_tools(
    service: str,
    listed: Sequence[Mapping[str, Any]],
    chosen: Sequence[Mapping[str, Any]],
    set_name: str = MCP,
) -> list[OfferedTool]:
    """Return the tools of an MCP server, with what became of those that an agent has."""
    mine = {part["name"]: part for part in chosen}
    taken = {str(part["function"]) for part in chosen}
    return [_offered(service, tool, mine.get(tool["name"]), taken, set_name) for tool in listed]


def offered_operations(
    service: str, operations: Sequence[Operation], chosen: Sequence[Mapping[str, Any]]
) -> list[OfferedTool]:
    """Return the operations of an API, with what became of those that an agent has."""
    mine = {part["name"]: part for part in chosen}
    taken = {str(part["function"]) for part in chosen}
    return [_offered_operation(service, each, mine.get(each.name), taken) for each in operations]


def _offered_operation(
    service: str, operation: Operation, mine: Mapping[str, Any] | None, taken: set[str]
) -> OfferedTool:
    if operation.reason:
        return OfferedTool(operation.part, "refused", (), operation.reason)
    function = str(mine["function"]) if mine else function_name(API, service, operation.wanted, taken)
    try:
        part = clean_operation(service, {**operation.part, "function": function})
    except ValidationError as error:
        return OfferedTool(operation.part, "refused", (), " ".join(error.messages))
    if mine is not None and {**part, "reads": None} == {**mine, "reads": None}:
        return OfferedTool(part, "chosen", reads=bool(mine.get("reads")))
    return OfferedTool(part, "changed" if mine else "new", reads=bool(part.get("reads")))


def gone_tools(listed: Sequence[Mapping[str, Any]], chosen: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the chosen tools that the server does not list any more."""
    names = {tool["name"] for tool in listed}
    return [str(part["name"]) for part in chosen if part["name"] not in names]


def _offered(
    service: str, tool: Mapping[str, Any], mine: Mapping[str, Any] | None, taken: set[str], set_name: str
) -> OfferedTool:
    name = str(tool["name"])
    function = str(mine["function"]) if mine else function_name(set_name, service, name, taken)
    part = {"name": name, "function": function}
    given = {**part, "description": tool.get("description") or "", "schema": tool.get("inputSchema")}
    hints = _hints(tool.get("annotations"))
    try:
        part = clean_tool(service, given, set_name)
    except ValidationError as error:
        return OfferedTool(part, "refused", hints, " ".join(error.messages))
    if set_name == MCP and (fault := header_fault(part["schema"])):
        return OfferedTool(part, "refused", hints, fault)
    if mine is not None and all(part[key] == mine[key] for key in _PINNED):
        return OfferedTool(part, "chosen", hints, reads=bool(mine.get("reads")))
    # That it only reads was said of what it was.
    return OfferedTool(part, "changed" if mine else "new", hints)


def _hints(annotations: Any) -> list[str]:
    """Return what the server says that a tool does. Nobody checks it, so it decides nothing."""
    if not isinstance(annotations, dict):
        return []
    words = {
        "readOnlyHint": "only reads",
        "destructiveHint": "may destroy",
        "openWorldHint": "reaches further",
    }
    return [words[name] for name in words if annotations.get(name) is True]
