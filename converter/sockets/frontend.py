"""Rewrite the browser's side: what was sent is posted, what was received comes from an EventSource."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from tree_sitter import Node

from converter.javascript.modules import Module
from converter.javascript.syntax import Edits, field_of, string_value, text_of
from converter.problems import Problem

from .clients import Client, client_event, clients_in
from .model import Analysis, Library
from .scopes import FUNCTIONS, arguments_of


@dataclass
class FrontendChanges:
    """The new texts of files, where something was rewritten, and what is left to do by hand."""

    files: dict[Path, str] = field(default_factory=dict)
    places: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def rewrite(found: Analysis) -> FrontendChanges:
    """Rewrite every client of which all uses are certain; the others are listed, and stay as they are."""
    clients, problems = clients_in(found)
    done = FrontendChanges(problems=problems)
    edits: dict[Path, tuple[Module, Edits]] = {}
    for client in clients:
        done.problems += client.problems
        if not client.certain:
            continue
        _, file = edits.setdefault(client.module.path, (client.module, Edits(client.module.source.text)))
        _rewrite(client, file, done)
    for path, (module, file) in edits.items():
        left = {c.module.path for c in clients if not c.certain}
        if path not in left:
            _drop_imports(module, file)
        done.files[path] = file.apply()
    return done


def _rewrite(client: Client, edits: Edits, done: FrontendChanges) -> None:
    url = client.server.url if client.server else ""
    own = f"{client.variable}Id"
    statement = client.declarator.parent
    if statement is not None:
        # Who it is, so that what it said itself is not told to it.
        at = _outside_export(statement).start_byte
        edits.replace(at, at, f"const {own} = crypto.randomUUID();\n{_indent(client, at)}")
    edits.node(client.made, f"new EventSource(`{url}?id=${{{own}}}`)")
    _note(client, client.made, f"new EventSource({url})", done)
    for use in client.uses:
        member = use.parent
        call = member.parent if member is not None else None
        name = text_of(field_of(member, "property") or use)
        if call is None or call.type != "call_expression" or name in ("addEventListener", "close"):
            _note(client, use, f"{name}, as it is", done)
        elif name in ("send", "emit"):
            _post(client, edits, call, f"{url}/", own, done)
        elif name == "on":
            _listen(client, edits, call, done)
        elif name == "disconnect":
            edits.node(call, f"{client.variable}.close()")


def _outside_export(statement: Node) -> Node:
    parent = statement.parent
    return parent if parent is not None and parent.type == "export_statement" else statement


def _indent(client: Client, at: int) -> str:
    text = client.module.source.text
    line = text[text.rfind(b"\n", 0, at) + 1 : at]
    return line.decode("utf-8", "replace") if not line.strip() else ""


def _note(client: Client, node: Node, what: str, done: FrontendChanges) -> None:
    done.places.append(f"{client.module.source.name}:{node.start_point.row + 1}: {what}")


def _post(client: Client, edits: Edits, call: Node, url: str, own: str, done: FrontendChanges) -> None:
    """What the server answers to the sender alone comes as the answer, and goes where messages go.

    Only what is around the arguments is replaced, as there may be other uses within them.
    """
    arguments = arguments_of(call)
    name, event, acknowledge = client.variable, "message", None
    if client.library == Library.SOCKET_IO:
        event = string_value(arguments.pop(0)) or ""
        acknowledge = arguments.pop() if arguments and arguments[-1].type in FUNCTIONS else None
    start, end = _body(client)
    headers = f'{{ "x-socket-id": {own} }}'
    opening = f'fetch({json.dumps(url + event)}, {{ method: "POST", headers: {headers}, body: {start}'
    closing = f"{end} }}).then((answer) => answer.json()).then(({{ answers = [], acknowledged }}) => "
    tell = _TELL[client.library].format(name=name)
    if acknowledge is None:
        _around(edits, call, arguments, opening, f"{closing}{tell})")
    else:
        at = arguments[-1].end_byte if arguments else call.start_byte
        _around(edits, call, arguments, opening, "", until=at)
        edits.replace(at, acknowledge.start_byte, f"{'' if arguments else opening}{closing}{{ {tell}; (")
        edits.replace(acknowledge.end_byte, call.end_byte, ").apply(null, acknowledged ?? []); })")
    _note(client, call, f"POST {url}{event}", done)


_TELL = {
    Library.WS: 'answers.forEach((data) => {name}.dispatchEvent(new MessageEvent("message", {{ data }})))',
    Library.SOCKET_IO: "answers.forEach(({{ event, args }}) => "
    "{name}.dispatchEvent(new MessageEvent(event, {{ data: JSON.stringify(args) }})))",
}


def _body(client: Client) -> tuple[str, str]:
    return ("", "") if client.library == Library.WS else ("JSON.stringify([", "])")


def _around(
    edits: Edits, call: Node, arguments: list[Node], opening: str, closing: str, *, until: int | None = None
) -> None:
    """Replace a call but for its arguments; with `until`, only what is before them."""
    if not arguments:
        if until is None:
            edits.node(call, opening + closing)
        return
    edits.replace(call.start_byte, arguments[0].start_byte, opening)
    if until is None:
        edits.replace(arguments[-1].end_byte, call.end_byte, closing)


def _listen(client: Client, edits: Edits, call: Node, done: FrontendChanges) -> None:
    name, listener = arguments_of(call)
    event = string_value(name) or ""
    meant = client_event(event)
    opening = f"{client.variable}.addEventListener({json.dumps(meant)}, "
    own = meant != event  # of the connection itself, without data
    opening += "() => (" if own else "(event) => ("
    edits.replace(call.start_byte, listener.start_byte, opening)
    edits.replace(
        listener.end_byte, call.end_byte, ")())" if own else ").apply(null, JSON.parse(event.data)))"
    )
    _note(client, call, f'addEventListener("{meant}")', done)


def _drop_imports(module: Module, edits: Edits) -> None:
    for link in module.links:
        if link.specifier == "socket.io-client" and link.node.type == "import_statement":
            edits.node(link.node)
