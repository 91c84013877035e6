"""Rewrite browser code: POST instead of sending on a WebSocket, EventSource instead of receiving."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from tree_sitter import Node

from converter.javascript.modules import Module
from converter.javascript.syntax import Edits, field_of, has_child, iter_nodes, string_value, text_of
from converter.problems import Problem

from .client_variables import is_harmless
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
            rewritten = [client for client in clients if client.module.path == path]
            gone = [part for client in rewritten for part in (client.creation, *client.held.types)]
            _drop_imports(module, edits, {node.id for node in iter_nodes(*gone)})
        changes.files[path] = edits.apply()
    return changes


def _drop_imports(module: Module, edits: Edits, replaced: set[int]) -> None:
    """Remove imports of socket.io unless something else than the `replaced` nodes uses them."""
    for link in module.links:
        if link.specifier != "socket.io-client" or link.node.type != "import_statement":
            continue
        inside = {node.id for node in iter_nodes(link.node)}
        names = {binding.local for binding in link.bindings}
        left = [
            node
            for node in module.nodes
            if node.type in ("identifier", "type_identifier") and text_of(node) in names
            if node.id not in inside | replaced
        ]
        if not left:
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
        # Several connections at a time: each carries its own id.
        self.has_own_id = client.held.declarator is None

    def rewrite(self) -> None:
        client = self.client
        self._open()
        self._note(client.creation, f"new EventSource({self.url})")
        for node in client.held.types:
            self.edits.node(node, "(EventSource & { id: string })" if self.has_own_id else "EventSource")
        for use in client.held.uses:
            if is_harmless(use):
                continue
            member = use.parent
            call = member.parent if member is not None else None
            name = text_of(field_of(member, "property") or use)
            if call is None or call.type != "call_expression" or name in ("addEventListener", "close"):
                self._note(use, f"{name}, unchanged")
            elif name in ("send", "emit"):
                self._post(call, use)
            elif name == "on":
                self._listen(call, use)
            elif name == "disconnect":
                self.edits.node(call, f"{_owner(use)}.close()")

    def _note(self, node: Node, text: str) -> None:
        source = self.client.module.source
        self.changes.places.append(f"{source.name}:{node.start_point.row + 1}: {text}")

    def _open(self) -> None:
        """Open the channel with an id, by which the server excludes the sender from broadcasts."""
        if self.has_own_id:
            source = f"new EventSource(`{self.url}?id=${{id}}`)"
            made = f"((id) => Object.assign({source}, {{ id }}))(crypto.randomUUID())"
            if self.client.module.source.is_typescript:
                made = made.replace("(id)", "(id: string)", 1)
            self.edits.node(self.client.creation, made)
        else:
            self.edits.node(self.client.creation, f"new EventSource(`{self.url}?id=${{{self._id('')}}}`)")
            self._declare_id()

    def _id(self, owner: str) -> str:
        return f"{owner}.id" if self.has_own_id else f"{self.client.variable}Id"

    def _declare_id(self) -> None:
        declarator = self.client.held.declarator
        statement = declarator.parent if declarator is not None else None
        if statement is None:
            return
        if statement.parent is not None and statement.parent.type == "export_statement":
            statement = statement.parent
        at, text = statement.start_byte, self.client.module.source.text
        line = text[text.rfind(b"\n", 0, at) + 1 : at].decode("utf-8", "replace")
        indent = line if not line.strip() else ""
        self.edits.replace(at, at, f"const {self._id('')} = crypto.randomUUID();\n{indent}")

    def _post(self, call: Node, use: Node) -> None:
        """Replace a call around its arguments only, as these may contain other uses."""
        arguments = arguments_of(call)
        event, acknowledge, start, end = "message", None, "", ""
        if self.client.library == Library.SOCKET_IO:
            start, end = "JSON.stringify([", "])"
            event = string_value(arguments.pop(0)) or ""
            acknowledge = arguments.pop() if arguments and arguments[-1].type in FUNCTIONS else None
        target, owner = f"{self.url}/{event}", text_of(use)
        headers = f'{{ "x-socket-id": {self._id(owner)} }}'
        asked = f"{owner} && " if _owner(use) != owner else ""
        opening = f'{asked}fetch({json.dumps(target)}, {{ method: "POST", headers: {headers}, body: {start}'
        closing = f"{end} }}).then((answer) => answer.json()).then(({{ answers = [], acknowledged }}) => "
        dispatch = _DISPATCH[self.client.library].format(name=owner)
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

    def _listen(self, call: Node, use: Node) -> None:
        name, listener = arguments_of(call)
        event = string_value(name) or ""
        renamed = _CONNECTION_EVENTS.get(event, event)
        has_data = renamed == event  # events of the connection itself have none
        parameters, end = (
            ("(event)", ").apply(null, JSON.parse(event.data)))") if has_data else ("()", ")())")
        )
        opening = f"{_owner(use)}.addEventListener({json.dumps(renamed)}, {parameters} => ("
        self.edits.replace(call.start_byte, listener.start_byte, opening)
        self.edits.replace(listener.end_byte, call.end_byte, end)
        self._note(call, f'addEventListener("{renamed}")')


def _owner(use: Node) -> str:
    """Return a connection's name, with the question mark of an optional chain."""
    is_optional = use.parent is not None and has_child(use.parent, "optional_chain")
    return text_of(use) + ("?" if is_optional else "")
