"""Rewrite browser code: POST instead of sending on a WebSocket, EventSource instead of receiving."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from tree_sitter import Node

from converter.javascript.modules import LinkKind, Module
from converter.javascript.syntax import Edits, field_of, has_child, iter_nodes, string_value, text_of
from converter.problems import Problem, has_errors

from .client_uses import ADDING, FACTS, LOST_EVENTS, REMOVING
from .client_variables import is_harmless
from .clients import Client, clients_in
from .held_connections import ClientVariable
from .listening import LISTEN, UNLISTEN, add_listening
from .model import Analysis, Library
from .pages import LIBRARY_TAG
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
    texts = {path: page.text for path, page in analysis.pages.items()}
    changes = FrontendChanges(problems=problems)
    files: dict[Path, tuple[Module, Edits]] = {}
    for client in clients:
        changes.problems += client.problems
        for module, held in client.parts if client.convertible else ():
            _, edits = files.setdefault(
                module.path, (module, Edits(texts.get(module.path, module.source.text)))
            )
            _PartRewriter(client, module, held, edits, changes).rewrite()
    with_unconverted = {client.module.path for client in clients if not client.convertible}
    for path, (module, edits) in files.items():
        if path not in with_unconverted:
            rewritten = [client for client in clients if client.module.path == path]
            gone = [part for client in rewritten for part in (client.creation, *client.held.types)]
            _drop_imports(module, edits, {node.id for node in iter_nodes(*gone)})
    if clients and not has_errors(changes.problems):
        _drop_tags(analysis, files, changes)
    changes.files |= {path: edits.apply() for path, (_, edits) in files.items()}
    return changes


def _drop_tags(analysis: Analysis, files: dict[Path, tuple[Module, Edits]], changes: FrontendChanges) -> None:
    """Remove the tags that load the client of socket.io, which no script of the pages needs any more."""
    for path, page in analysis.pages.items():
        for tag in LIBRARY_TAG.finditer(page.text):
            _, edits = files.setdefault(path, (page.module, Edits(page.text)))
            edits.replace(tag.start(), tag.end())
            line = page.text.count(b"\n", 0, tag.start()) + 1
            changes.places.append(f"{page.module.source.name}:{line}: the client of socket.io, removed")


def _drop_imports(module: Module, edits: Edits, replaced: set[int]) -> None:
    """Remove imports of socket.io unless something else than the `replaced` nodes uses them."""
    for link in module.links:
        statement = link.node if link.kind == LinkKind.IMPORT else _required_declaration(link.node)
        if link.specifier != "socket.io-client" or statement is None:
            continue
        inside = {node.id for node in iter_nodes(statement)}
        names = {binding.local for binding in link.bindings}
        left = [
            node
            for node in module.nodes
            if node.type in ("identifier", "type_identifier") and text_of(node) in names
            if node.id not in inside | replaced
        ]
        if not left:
            edits.node(statement)


def _required_declaration(call: Node) -> Node | None:
    """Return the declaration of nothing but `const name = require(…)`."""
    declarator = call.parent
    declaration = (
        declarator.parent if declarator is not None and declarator.type == "variable_declarator" else None
    )
    return declaration if declaration is not None and len(declaration.named_children) == 1 else None


# Answers to the sender are dispatched like messages from the channel.
_DISPATCH = {
    Library.WS: 'answers.forEach((data) => {name}.dispatchEvent(new MessageEvent("message", {{ data }})))',
    Library.SOCKET_IO: "answers.forEach(({{ event, args }}) => "
    "{name}.dispatchEvent(new MessageEvent(event, {{ data: JSON.stringify(args) }})))",
}


class _PartRewriter:
    """Rewrites the uses of a connection in one module."""

    def __init__(
        self, client: Client, module: Module, held: ClientVariable, edits: Edits, changes: FrontendChanges
    ) -> None:
        self.client, self.module, self.held = client, module, held
        self.edits, self.changes = edits, changes
        self.url = client.server.url if client.server else ""
        # Several connections at a time: each carries its own id.
        self.has_own_id = client.held.declarator is None

    def rewrite(self) -> None:
        client = self.client
        if self.module == client.module:
            self._open()
            self._note(client.creation, f"new EventSource({self.url})")
        if client.removes_listeners:
            add_listening(self.module, self.edits)
        for node in self.held.types:
            self.edits.node(node, "(EventSource & { id: string })" if self.has_own_id else "EventSource")
        for use in self.held.uses:
            if not is_harmless(use):
                self._rewrite_use(use)

    def _rewrite_use(self, use: Node) -> None:
        member = use.parent
        call = member.parent if member is not None else None
        name = text_of(field_of(member, "property") or use)
        is_socket_io = self.client.library == Library.SOCKET_IO
        if is_socket_io and name in FACTS and member is not None:
            self._tell(member, use, name)
        elif call is None or call.type != "call_expression" or name in ("addEventListener", "close"):
            self._note(use, f"{name}, unchanged")
        elif name in ("send", "emit"):
            self._post(call, use)
        elif name in ADDING:
            self._listen(call, use, once=name == "once")
        elif name in REMOVING:
            self._remove(call, use)
        elif name == "disconnect":
            self.edits.node(call, f"{_owner(use)}.close()")

    def _tell(self, member: Node, use: Node, name: str) -> None:
        """Replace the id or the state of a connection."""
        is_open = f"{_owner(use)}.readyState {'===' if name == 'connected' else '!=='} 1"
        self.edits.node(member, self._id(_owner(use)) if name == "id" else f"({is_open})")
        self._note(use, name)

    def _note(self, node: Node, text: str) -> None:
        source = self.module.source
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
        return f"{owner}.id" if self.has_own_id else f"{self.held.names[0]}Id"

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
        server, owner = self.client.server, text_of(use)
        target = f"{self.url}/{server.place_of(event) if server else event}"
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

    def _listen(self, call: Node, use: Node, *, once: bool) -> None:
        name, listener = arguments_of(call)
        event = string_value(name) or ""
        if event in LOST_EVENTS:
            self.edits.node(call.parent or call)
            self._note(call, f"'{event}', left out")
            return
        renamed = _CONNECTION_EVENTS.get(event, event)
        has_data = renamed == event  # events of the connection itself have none
        if self.client.removes_listeners:
            asked = f"{text_of(use)} && " if _owner(use) != text_of(use) else ""
            opening = f"{asked}{LISTEN}({text_of(use)}, {json.dumps(renamed)}, "
            end = f", {json.dumps(has_data)}, {json.dumps(once)})"
        else:
            parameters = "(event)" if has_data else "()"
            opening = f"{_owner(use)}.addEventListener({json.dumps(renamed)}, {parameters} => ("
            end = ").apply(null, JSON.parse(event.data))" if has_data else ")()"
            end += ", { once: true })" if once else ")"
        self.edits.replace(call.start_byte, listener.start_byte, opening)
        self.edits.replace(listener.end_byte, call.end_byte, end)
        self._note(call, f'addEventListener("{renamed}")')

    def _remove(self, call: Node, use: Node) -> None:
        arguments = arguments_of(call)
        event = string_value(arguments[0]) if arguments else None
        renamed = _CONNECTION_EVENTS.get(event or "", event)
        parts = [text_of(use), *([json.dumps(renamed)] if arguments else []), *map(text_of, arguments[1:2])]
        asked = f"{text_of(use)} && " if _owner(use) != text_of(use) else ""
        self.edits.node(call, f"{asked}{UNLISTEN}({', '.join(parts)})")
        self._note(call, "removeEventListener")


def _owner(use: Node) -> str:
    """Return a connection's name, with the question mark of an optional chain."""
    is_optional = use.parent is not None and has_child(use.parent, "optional_chain")
    return text_of(use) + ("?" if is_optional else "")
