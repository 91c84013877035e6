"""Rewrite browser code: POST instead of sending on a WebSocket, EventSource instead of receiving."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from tree_sitter import Node

from converter.javascript.modules import Module
from converter.javascript.syntax import Edits, field_of, string_value, text_of
from converter.problems import Problem

from .clients import Client, clients_in
from .model import Analysis, Library
from .scopes import FUNCTIONS, arguments_of

# Events of a socket.io client that an EventSource has under another name.
_CONNECTION_EVENTS = {"connect": "open", "connect_error": "error"}


@dataclass
class FrontendChanges:
    """The new texts of files, the places that were rewritten, and what is left to do by hand."""

    files: dict[Path, str] = field(default_factory=dict)
    places: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def rewrite_clients(analysis: Analysis) -> FrontendChanges:
    """Rewrite every client whose uses are all convertible; report the others and leave them unchanged."""
    clients, problems = clients_in(analysis)
    changes = FrontendChanges(problems=problems)
    files: dict[Path, tuple[Module, Edits]] = {}
    for client in clients:
        changes.problems += client.problems
        if client.convertible:
            module = client.module
            _, edits = files.setdefault(module.path, (module, Edits(module.source.text)))
            _ClientRewriter(client, edits, changes).rewrite()
    with_unconverted = {client.module.path for client in clients if not client.convertible}
    for path, (module, edits) in files.items():
        if path not in with_unconverted:
            _drop_imports(module, edits)
        changes.files[path] = edits.apply()
    return changes


def _drop_imports(module: Module, edits: Edits) -> None:
    for link in module.links:
        if link.specifier == "socket.io-client" and link.node.type == "import_statement":
            edits.node(link.node)


# Answers to the sender are dispatched like messages from the channel.
_DISPATCH = {
    Library.WS: 'answers.forEach((data) => {name}.dispatchEvent(new MessageEvent("message", {{ data }})))',
    Library.SOCKET_IO: "answers.forEach(({{ event, args }}) => "
    "{name}.dispatchEvent(new MessageEvent(event, {{ data: JSON.stringify(args) }})))",
}


class _ClientRewriter:
    def __init__(self, client: Client, edits: Edits, changes: FrontendChanges) -> None:
        self.client, self.edits, self.changes = client, edits, changes
        self.url = client.server.url if client.server else ""
        self.id = f"{client.variable}Id"

    def rewrite(self) -> None:
        client = self.client
        self._declare_id()
        self.edits.node(client.creation, f"new EventSource(`{self.url}?id=${{{self.id}}}`)")
        self._note(client.creation, f"new EventSource({self.url})")
        for use in client.uses:
            member = use.parent
            call = member.parent if member is not None else None
            name = text_of(field_of(member, "property") or use)
            if call is None or call.type != "call_expression" or name in ("addEventListener", "close"):
                self._note(use, f"{name}, unchanged")
            elif name in ("send", "emit"):
                self._post(call)
            elif name == "on":
                self._listen(call)
            elif name == "disconnect":
                self.edits.node(call, f"{client.variable}.close()")

    def _note(self, node: Node, text: str) -> None:
        source = self.client.module.source
        self.changes.places.append(f"{source.name}:{node.start_point.row + 1}: {text}")

    def _declare_id(self) -> None:
        """Declare an id, by which the server excludes the sender from broadcasts."""
        statement = self.client.declarator.parent
        if statement is None:
            return
        if statement.parent is not None and statement.parent.type == "export_statement":
            statement = statement.parent
        at, text = statement.start_byte, self.client.module.source.text
        line = text[text.rfind(b"\n", 0, at) + 1 : at].decode("utf-8", "replace")
        indent = line if not line.strip() else ""
        self.edits.replace(at, at, f"const {self.id} = crypto.randomUUID();\n{indent}")

    def _post(self, call: Node) -> None:
        """Replace a call around its arguments only, as these may contain other uses."""
        arguments = arguments_of(call)
        event, acknowledge, start, end = "message", None, "", ""
        if self.client.library == Library.SOCKET_IO:
            start, end = "JSON.stringify([", "])"
            event = string_value(arguments.pop(0)) or ""
            acknowledge = arguments.pop() if arguments and arguments[-1].type in FUNCTIONS else None
        target = f"{self.url}/{event}"
        headers = f'{{ "x-socket-id": {self.id} }}'
        opening = f'fetch({json.dumps(target)}, {{ method: "POST", headers: {headers}, body: {start}'
        closing = f"{end} }}).then((answer) => answer.json()).then(({{ answers = [], acknowledged }}) => "
        dispatch = _DISPATCH[self.client.library].format(name=self.client.variable)
        if arguments:
            self.edits.replace(call.start_byte, arguments[0].start_byte, opening)
            opening, at = "", arguments[-1].end_byte
        else:
            at = call.start_byte
        if acknowledge is None:
            self.edits.replace(at, call.end_byte, f"{opening}{closing}{dispatch})")
        else:
            self.edits.replace(at, acknowledge.start_byte, f"{opening}{closing}{{ {dispatch}; (")
            self.edits.replace(acknowledge.end_byte, call.end_byte, ").apply(null, acknowledged ?? []); })")
        self._note(call, f"POST {target}")

    def _listen(self, call: Node) -> None:
        name, listener = arguments_of(call)
        event = string_value(name) or ""
        renamed = _CONNECTION_EVENTS.get(event, event)
        has_data = renamed == event  # events of the connection itself have none
        parameters, end = (
            ("(event)", ").apply(null, JSON.parse(event.data)))") if has_data else ("()", ")())")
        )
        opening = f"{self.client.variable}.addEventListener({json.dumps(renamed)}, {parameters} => ("
        self.edits.replace(call.start_byte, listener.start_byte, opening)
        self.edits.replace(listener.end_byte, call.end_byte, end)
        self._note(call, f'addEventListener("{renamed}")')
