"""Find the WebSocket clients in browser code, and decide which can be rewritten safely."""

from __future__ import annotations

from dataclasses import dataclass, field

from tree_sitter import Node

from converter.javascript.modules import Module
from converter.javascript.syntax import field_of, has_child, iter_nodes, string_value, text_of
from converter.problems import Problem, has_errors
from converter.routes.module_checks import parse_problems

from .client_variables import ClientVariable, is_harmless, variable_of
from .model import Analysis, Library, Server
from .scopes import FUNCTIONS, arguments_of

_BY_HAND = "Send with fetch(…, { method: 'POST' }), and receive with new EventSource(…)."
# Shared by WebSocket and EventSource.
_PROPERTIES = {"onmessage", "onopen", "onerror", "readyState", "close"}
_EVENTS = {"message", "open", "error"}
_MEMBERS = {
    *_PROPERTIES,
    *("send", "emit", "on", "once", "off", "addEventListener", "onclose", "binaryType", "disconnect"),
}
# Options of socket.io that do not reach the server.
_LOCAL_OPTIONS = {
    *("transports", "autoConnect", "forceNew", "multiplex", "path", "withCredentials", "timeout", "upgrade"),
    *("reconnection", "reconnectionAttempts", "reconnectionDelay", "reconnectionDelayMax", "secure"),
}
_GLOBALS = ("location", "window", "globalThis", "self", "document", "process")


@dataclass
class Client:
    """A connection that a module opens with the node `creation`, and the uses of its variable."""

    module: Module
    library: Library
    held: ClientVariable
    creation: Node
    server: Server | None
    problems: list[Problem] = field(default_factory=list)

    @property
    def variable(self) -> str:
        return self.held.names[0]

    @property
    def convertible(self) -> bool:
        return not has_errors(self.problems)

    def refuse(self, node: Node, message: str) -> None:
        self.problems.append(_problem(self.module, node, message))


def _problem(module: Module, node: Node, message: str) -> Problem:
    return module.problem(node, "front-end", message, _BY_HAND)


def clients_in(analysis: Analysis) -> tuple[list[Client], list[Problem]]:
    """Return the clients of all modules, and problems for connections without a constant."""
    clients: list[Client] = []
    problems: list[Problem] = []
    server_files = {server.module.path for server in analysis.servers}
    for module in analysis.modules:
        if module.path in server_files or parse_problems(module):
            continue
        for node in module.nodes:
            if (library := _opened_library(module, node)) is None:
                continue
            client = _client(module, node, library, analysis)
            if client is None:
                message = (
                    "the connection is not assigned to a constant of this file, so its uses are unknown."
                )
                problems.append(_problem(module, node, message))
                problems += _unassigned_uses(module, node)
            else:
                clients.append(client)
    return clients, problems


def _opened_library(module: Module, node: Node) -> Library | None:
    if node.type == "new_expression":
        constructor = field_of(node, "constructor")
        is_socket = constructor is not None and text_of(constructor) in ("WebSocket", "window.WebSocket")
        return Library.WS if is_socket else None
    if node.type != "call_expression" or (function := field_of(node, "function")) is None:
        return None
    links = [link for link in module.links if link.specifier == "socket.io-client"]
    names = {binding.local for link in links for binding in link.bindings}
    return Library.SOCKET_IO if text_of(function) in names else None


def _client(module: Module, creation: Node, library: Library, analysis: Analysis) -> Client | None:
    others = [each for each in analysis.modules if each.path != module.path]
    held = variable_of(module, creation, others)
    if held is None:
        return None
    client = Client(module, library, held, creation, _server_of(analysis, creation, library))
    if client.server is None:
        client.refuse(creation, "the server of this connection cannot be determined.")
    if (argument := _lost_argument(module, creation)) is not None:
        client.refuse(argument, "query, protocol or options of the connection would be lost.")
    for node in held.escapes:
        _refuse_escape(client, node)
    for node in held.uses:
        if not is_harmless(node):
            _check_use(client, node)
    return client


def _refuse_escape(client: Client, node: Node) -> None:
    client.refuse(node, f"{client.variable} is passed on, so not all its uses are known.")


def _unassigned_uses(module: Module, creation: Node) -> list[Problem]:
    """Report the uses of a connection that is kept in a property or a reassigned variable."""
    target = field_of(creation.parent, "left") or field_of(creation.parent, "name")
    if target is None:
        return []
    name = text_of(target)
    problems = []
    for node in module.nodes:
        member = field_of(node, "property") if node.type == "member_expression" else None
        owner = field_of(node, "object")
        if member is None or owner is None or text_of(owner) != name or text_of(member) not in _MEMBERS:
            continue
        problems.append(
            _problem(module, node, f"rewrite {name}.{text_of(member)} together with its connection.")
        )
    return problems


def _lost_argument(module: Module, creation: Node) -> Node | None:
    """Return an argument that an EventSource would not send: a query, a protocol or credentials."""
    for index, argument in enumerate(arguments_of(creation)):
        if argument.type == "object":
            options = [part for part in argument.named_children if part.type != "comment"]
            if not {text_of(field_of(option, "key") or option) for option in options} <= _LOCAL_OPTIONS:
                return argument
        elif index > 0 or _may_have_query(module, argument, set()):
            return argument
    return None


def _may_have_query(module: Module, address: Node, seen: set[str]) -> bool:
    """Return whether an address may contain a query; names are resolved to constants."""
    for node in iter_nodes(address):
        name = text_of(node)
        if node.type == "string_fragment" and "?" in name:
            return True
        if node.type == "identifier" and name not in _GLOBALS and name not in seen:
            value = _constant(module, name)
            if value is None or _may_have_query(module, value, seen | {name}):
                return True
    return False


def _constant(module: Module, name: str) -> Node | None:
    for node in module.nodes:
        if node.type == "variable_declarator" and text_of(field_of(node, "name") or node) == name:
            keyword = node.parent.children[0] if node.parent is not None else node
            return field_of(node, "value") if text_of(keyword) == "const" else None
    return None


def _server_of(analysis: Analysis, creation: Node, library: Library) -> Server | None:
    servers = [server for server in analysis.servers if server.library == library]
    if len(servers) == 1:
        return servers[0]
    arguments = field_of(creation, "arguments")
    address = string_value(arguments.named_children[0]) if arguments and arguments.named_children else None
    matches = [server for server in servers if address and server.path and address.endswith(server.path)]
    return matches[0] if len(matches) == 1 else None


def _check_use(client: Client, node: Node) -> None:
    parent = node.parent
    if parent is None or parent.type != "member_expression" or field_of(parent, "object") != node:
        _refuse_escape(client, node)
        return
    member = text_of(field_of(parent, "property") or parent)
    call = parent.parent if parent.parent and parent.parent.type == "call_expression" else None
    if has_child(parent, "optional_chain") and not _is_statement(call or parent):
        client.refuse(node, f"the value of {client.variable}?.{member} is used.")
        return
    if call is not None and _is_kept(call):
        # A chained `.on`, for example: what replaces these calls returns something else.
        client.refuse(node, f"the value of {client.variable}.{member}(…) is used.")
        return
    arguments = arguments_of(call) if call is not None else []
    if client.library == Library.WS:
        _check_ws_use(client, parent, member, arguments)
    else:
        _check_socket_io_use(client, parent, member, arguments)


def _is_statement(node: Node) -> bool:
    """Return whether nothing uses the value of an expression, or only a function that returns it."""
    return node.parent is not None and node.parent.type in ("expression_statement", "arrow_function")


def _is_kept(call: Node) -> bool:
    """Return whether a call's value is asked for a member, stored or passed on."""
    keeping = (
        "member_expression",
        "variable_declarator",
        "assignment_expression",
        "arguments",
        "array",
        "pair",
    )
    return call.parent is not None and call.parent.type in keeping


def _check_ws_use(client: Client, node: Node, member: str, arguments: list[Node]) -> None:
    if member == "send" and len(arguments) == 1:
        return
    if member in ("addEventListener", "removeEventListener") and arguments:
        if string_value(arguments[0]) not in _EVENTS:
            client.refuse(node, "an EventSource only has the events message, open and error.")
    elif member == "close" and arguments:
        client.refuse(node, "an EventSource closes without a code.")
    elif member not in _PROPERTIES:
        client.refuse(node, f"an EventSource has no {member}.")


def _check_socket_io_use(client: Client, node: Node, member: str, arguments: list[Node]) -> None:
    event = string_value(arguments[0]) if arguments else None
    if member in ("disconnect", "close") and not arguments:
        return
    if member == "emit" and event is not None:
        if client.server and event not in {handler.event for handler in client.server.handlers}:
            client.refuse(node, f"the server has no handler for '{event}'.")
        return
    listens = member == "on" and event not in (None, "disconnect", "reconnect") and len(arguments) == 2
    if listens and arguments[1].type in (*FUNCTIONS, "identifier", "member_expression"):
        return
    client.refuse(node, f"{client.variable}.{member}({event or ''}) cannot be rewritten safely.")
