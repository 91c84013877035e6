"""Find the browser's side of a WebSocket, and see whether it can be rewritten with certainty."""

from __future__ import annotations

from dataclasses import dataclass, field

from tree_sitter import Node

from converter.javascript.modules import Module
from converter.javascript.syntax import field_of, iter_nodes, string_value, text_of
from converter.problems import Problem, Severity
from converter.routes.module_checks import parse_problems

from .model import Analysis, Library, Server
from .scopes import FUNCTIONS, arguments_of

_BY_HAND = "Send with fetch(…, { method: 'POST' }), and listen with new EventSource(…)."
# What an EventSource has as well.
_PROPERTIES = {"onmessage", "onopen", "onerror", "readyState", "close"}
_EVENTS = {"message", "open", "error"}
_SPEAKING = (
    *_PROPERTIES,
    "send",
    "emit",
    "on",
    "once",
    "off",
    "addEventListener",
    "onclose",
    "binaryType",
    "disconnect",
)
# Options of socket.io that say how to connect, and nothing to the server.
_HOW = {
    *("transports", "autoConnect", "forceNew", "multiplex", "path", "withCredentials", "timeout", "upgrade"),
    *("reconnection", "reconnectionAttempts", "reconnectionDelay", "reconnectionDelayMax", "secure"),
}
_PLACES = ("location", "window", "globalThis", "self", "document", "process")
_CLIENT_EVENTS = {"connect": "open", "connect_error": "error"}


@dataclass
class Client:
    """A connection that a module opens: its variable, and each use of it."""

    module: Module
    library: Library
    variable: str
    declarator: Node
    made: Node
    server: Server | None
    uses: list[Node] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def certain(self) -> bool:
        return not any(found.severity == Severity.ERROR for found in self.problems)

    def refuse(self, node: Node, message: str) -> None:
        self.problems.append(self.module.problem(node, "front-end", message, _BY_HAND))


def clients_in(found: Analysis) -> tuple[list[Client], list[Problem]]:
    """Return the clients of all modules, and the places that are no client with a name of its own."""
    clients: list[Client] = []
    problems: list[Problem] = []
    servers = {server.module.path for server in found.servers}
    for module in found.modules:
        if module.path in servers or parse_problems(module):
            continue
        for node in module.nodes:
            if (library := _opened_library(module, node)) is None:
                continue
            client = _client(module, node, library, found)
            if client is None:
                message = "the connection has no constant of its own in this file, so its uses are unknown."
                problems.append(module.problem(node, "front-end", message, _BY_HAND))
                problems += _unnamed_uses(module, node)
            else:
                clients.append(client)
    return clients, problems


def _opened_library(module: Module, node: Node) -> Library | None:
    if node.type == "new_expression":
        made = field_of(node, "constructor")
        return Library.WS if made is not None and text_of(made) in ("WebSocket", "window.WebSocket") else None
    if node.type != "call_expression" or (function := field_of(node, "function")) is None:
        return None
    makers = {b.local for link in module.links if link.specifier == "socket.io-client" for b in link.bindings}
    return Library.SOCKET_IO if text_of(function) in makers else None


def _client(module: Module, made: Node, library: Library, found: Analysis) -> Client | None:
    declarator = made.parent
    name = field_of(declarator, "name") if declarator and declarator.type == "variable_declarator" else None
    if declarator is None or name is None or name.type != "identifier":
        return None
    declaration = declarator.parent
    if (
        declaration is None
        or text_of(declaration.children[0]) != "const"
        or len(declaration.named_children) > 1
    ):
        return None
    client = Client(module, library, text_of(name), declarator, made, _server_of(found, made, library))
    if client.server is None:
        client.refuse(made, "which server it speaks to is not certain.")
    if (lost := _lost_argument(module, made)) is not None:
        client.refuse(lost, "what it says of itself at the beginning (address, options) would be lost.")
    for node in module.nodes:
        if node.type == "identifier" and text_of(node) == client.variable and node != name:
            client.uses.append(node)
            _check_use(client, node)
        elif node.type == "shorthand_property_identifier" and text_of(node) == client.variable:
            client.refuse(node, f"{client.variable} is handed on, so not all its uses are known.")
    return client


def _unnamed_uses(module: Module, made: Node) -> list[Problem]:
    """List what is done with a connection that is kept in a property, or in a variable that changes."""
    kept = field_of(made.parent, "left") or field_of(made.parent, "name")
    if kept is None:
        return []
    name = text_of(kept)
    uses = []
    for node in module.nodes:
        member = field_of(node, "property") if node.type == "member_expression" else None
        if (
            member is not None
            and text_of(field_of(node, "object") or node) == name
            and text_of(member) in _SPEAKING
        ):
            message = f"{name}.{text_of(member)} is to be written anew with its connection."
            uses.append(module.problem(node, "front-end", message, _BY_HAND))
    return uses


def _lost_argument(module: Module, made: Node) -> Node | None:
    """Return what opens a connection, and an EventSource would not pass on: a query, a protocol, auth."""
    for index, argument in enumerate(arguments_of(made)):
        if argument.type == "object":
            keys = {text_of(field_of(p, "key") or p) for p in argument.named_children if p.type != "comment"}
            lost = not keys <= _HOW
        else:
            lost = index > 0 or _has_query(module, argument, set())
        if lost:
            return argument
    return None


def _has_query(module: Module, address: Node, seen: set[str]) -> bool:
    """Say whether an address may say more than where the server is; names are followed to constants."""
    for node in iter_nodes(address):
        name = text_of(node)
        if node.type == "string_fragment" and "?" in name:
            return True
        if node.type == "identifier" and name not in _PLACES and name not in seen:
            value = _constant(module, name)
            if value is None or _has_query(module, value, seen | {name}):
                return True
    return False


def _constant(module: Module, name: str) -> Node | None:
    for node in module.nodes:
        if node.type == "variable_declarator" and text_of(field_of(node, "name") or node) == name:
            kind = node.parent.children[0] if node.parent is not None else node
            return field_of(node, "value") if text_of(kind) == "const" else None
    return None


def _server_of(found: Analysis, made: Node, library: Library) -> Server | None:
    servers = [server for server in found.servers if server.library == library]
    if len(servers) == 1:
        return servers[0]
    arguments = field_of(made, "arguments")
    address = string_value(arguments.named_children[0]) if arguments and arguments.named_children else None
    fits = [server for server in servers if address and server.path and address.endswith(server.path)]
    return fits[0] if len(fits) == 1 else None


def _check_use(client: Client, node: Node) -> None:
    parent = node.parent
    if parent is None or parent.type != "member_expression" or field_of(parent, "object") != node:
        client.refuse(node, f"{client.variable} is handed on, so not all its uses are known.")
        return
    member = text_of(field_of(parent, "property") or parent)
    call = parent.parent if parent.parent and parent.parent.type == "call_expression" else None
    arguments = arguments_of(call) if call is not None else []
    if client.library == Library.WS:
        _check_ws_use(client, parent, member, arguments)
    else:
        _check_socket_io_use(client, parent, member, arguments)


def _check_ws_use(client: Client, node: Node, member: str, arguments: list[Node]) -> None:
    if member == "send" and len(arguments) == 1:
        return
    if member in ("addEventListener", "removeEventListener") and arguments:
        if string_value(arguments[0]) in _EVENTS:
            return
        client.refuse(node, "an EventSource has only the events message, open and error.")
    elif member == "close" and arguments:
        client.refuse(node, "an EventSource closes without a code.")
    elif member not in _PROPERTIES:
        client.refuse(node, f"an EventSource has no {member}.")


def _check_socket_io_use(client: Client, node: Node, member: str, arguments: list[Node]) -> None:
    event = string_value(arguments[0]) if arguments else None
    if member in ("disconnect", "close") and not arguments:
        return
    if member == "emit" and event is not None:
        handlers = {handler.event for handler in client.server.handlers} if client.server else {event}
        if event not in handlers:
            client.refuse(node, f"the server has no handler for '{event}'.")
        return
    listens = member == "on" and event not in (None, "disconnect", "reconnect") and len(arguments) == 2
    if listens and arguments[1].type in (*FUNCTIONS, "identifier", "member_expression"):
        return
    client.refuse(node, f"{client.variable}.{member}({event or ''}) has no counterpart that is certain.")


def client_event(name: str) -> str:
    """Return the event of an EventSource that one of socket.io means."""
    return _CLIENT_EVENTS.get(name, name)
