"""Find out what a handler sends to whom, and what it uses that a function lacks."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from converter.javascript.bindings import scope_around
from converter.javascript.syntax import field_of, iter_nodes, text_of
from converter.problems import Problem, Severity

from .model import Handler, Library, Server
from .scopes import FUNCTIONS, arguments_of, declarations_for, function_of, names_in, parameters_of

KEEP_ELSEWHERE = "Store it in a database or in Netlify Blobs, and read it in each call."
_STATELESS = "Implement it without the connection."
_STATES = ("CONNECTING", "OPEN", "CLOSING", "CLOSED", "readyState")
# What the runtime offers, and members with a more specific diagnostic.
_SOCKET = (
    *_STATES,
    *("id", "request", "handshake", "send", "emit", "to", "in", "broadcast", "volatile", "local", "compress"),
    *("on", "once", "use", "join", "leave", "data"),
)
_SERVER = (*_STATES, "emit", "to", "in", "sockets", "clients", "volatile", "local", "compress", "on", "once")
_REQUEST = ("headers", "url", "method", "socket")
_BROADCAST = ("emit", "to", "in", "broadcast", "volatile", "local", "compress")


def analyse_handler(server: Server, handler: Handler, function: Node, connection_names: set[str]) -> None:
    """Record a handler's effects and problems; `connection_names` live as long as a connection."""
    names = names_in(function) - server.own_names
    declarations = declarations_for(server.top_level, names, server.own_names)
    handler.problems += _scope_problems(server, function, names, connection_names)
    handler.problems += _this_problems(server, function)
    for statement in filter(server.is_state, declarations):
        message = "this state is lost between two calls of a function."
        handler.problems.append(server.module.problem(statement, "module-state", message, KEEP_ELSEWHERE))
    for node in iter_nodes(function, *declarations):
        _record_sending(server, handler, node)
        handler.problems += _call_problems(server, node)
        handler.problems += _member_problems(server, node)
    definition = function_of(server.module.nodes, function)
    if server.library == Library.WS and definition is not None and len(parameters_of(definition)) > 1:
        message = "messages are text; binary messages are neither received nor marked as such."
        by_hand = "Post binary data to a separate function."
        problem = server.module.problem(function, "binary", message, by_hand, Severity.WARNING)
        handler.problems.append(problem)


def _scope_problems(
    server: Server, function: Node, names: set[str], connection_names: set[str]
) -> Iterator[Problem]:
    for name in sorted(names & connection_names):
        message = f"{name} lives as long as a connection, but a function only sees one message."
        node = _first_use(function, name)
        yield server.module.problem(node, "connection-state", message, KEEP_ELSEWHERE)
    for name in sorted((names & server.names_around) - connection_names):
        message = f"{name} is local to the function around the server; only top-level code is converted."
        node = _first_use(function, name)
        yield server.module.problem(node, "scope", message, "Declare it at the top of the file.")


def _this_problems(server: Server, function: Node) -> Iterator[Problem]:
    """Report the first `this` of a handler: the connection, or an object around the server."""
    definition = function_of(server.module.nodes, function) or function
    owners = ("function_declaration", "function_expression", "method_definition", "class_body")
    for node in iter_nodes(definition):
        owner = scope_around(node, *owners) if node.type == "this" else None
        is_inner = owner is not None and owner.start_byte > definition.start_byte
        if node.type == "this" and not is_inner:
            message = "a function has no `this`: neither the connection nor the object around the server."
            by_hand = f"Write {server.socket} for the connection; move other members to the top of the file."
            yield server.module.problem(node, "scope", message, by_hand)
            return


def _first_use(node: Node, name: str) -> Node:
    uses = (part for part in iter_nodes(node) if part.type == "identifier" and text_of(part) == name)
    return next(uses, node)


def _receiver(node: Node) -> str:
    """Return the receiver of a call, without modifiers of the delivery."""
    return text_of(node).replace("?", "").replace(".volatile", "").replace(".local", "")


def _record_sending(server: Server, handler: Handler, node: Node) -> None:
    socket, variable = server.socket, server.variable
    if node.type == "member_expression" and text_of(node) == f"{variable}.clients":
        handler.broadcasts = True
    if node.type != "call_expression" or (function := field_of(node, "function")) is None:
        return
    name = _receiver(function)
    if name in (f"{socket}.send", f"{socket}.emit"):
        handler.replies = True
    elif name.endswith("emit"):
        to_others = name.startswith((f"{socket}.broadcast.", f"{socket}.to(", f"{socket}.in("))
        to_all = server.library == Library.SOCKET_IO and name.startswith(f"{variable}.")
        handler.broadcasts |= to_others or to_all


def _call_problems(server: Server, node: Node) -> Iterator[Problem]:
    module, socket = server.module, server.socket
    if node.type != "call_expression" or (function := field_of(node, "function")) is None:
        return
    name = _receiver(function)
    if name == f"{socket}.send" and len(arguments_of(node)) > 1 and server.library == Library.WS:
        message = "messages to a browser are text, without options."
        yield module.problem(node, "binary", message, "Send text; encode bytes as base64.")
    elif name in (f"{socket}.join", f"{socket}.leave"):
        by_hand = "Let the browser name the room: new EventSource('…?room=name'), and io.to(name).emit(…)."
        yield module.problem(node, "room", "a function cannot join rooms.", by_hand)
    elif name in ("setInterval", "setTimeout", "setImmediate") and not _is_awaited(node):
        by_hand = "Use a scheduled function, or await the work before responding."
        message = f"{name}: the function may end before the timer fires."
        yield module.problem(node, "timer", message, by_hand)
    elif name in (f"{socket}.on", f"{socket}.once", f"{socket}.use"):
        by_hand = "Register it directly in the 'connection' handler, next to the others."
        yield module.problem(node, "handler", f"{name} inside a handler is not converted.", by_hand)


def _member_problems(server: Server, node: Node) -> Iterator[Problem]:
    owner, name = field_of(node, "object"), field_of(node, "property")
    if node.type != "member_expression" or owner is None or name is None:
        return
    module, socket, member = server.module, server.socket, text_of(name)
    base, offered = _receiver(owner), {socket: _SOCKET, server.variable: _SERVER}
    if base in offered and member not in offered[base]:
        message = f"{base}.{member} is not available in a function."
        yield module.problem(node, "no-counterpart", message, _STATELESS)
    elif base == socket and member == "data":
        message = f"{socket}.data lives as long as a connection, but a function only sees one message."
        yield module.problem(node, "connection-state", message, KEEP_ELSEWHERE)
    elif base == f"{socket}.handshake" and member == "auth":
        by_hand = "Send it from the browser with each message, and check it there."
        message = "credentials sent when connecting do not reach a function."
        yield module.problem(node, "who-may-connect", message, by_hand)
    elif (members := _members_of(server, base)) is not None and member not in members:
        message = f"{member} of {base} is not available in a function."
        yield module.problem(node, "no-counterpart", message, _STATELESS)


def _members_of(server: Server, base: str) -> tuple[str, ...] | None:
    """Return the members that the runtime offers on a part of a connection or server; otherwise None."""
    socket, variable = server.socket, server.variable
    if base == f"{variable}.clients":
        return ("forEach",)
    if base in (f"{socket}.request", server.request):
        return _REQUEST
    rooms = (f"{socket}.to(", f"{socket}.in(", f"{variable}.to(", f"{variable}.in(")
    return _BROADCAST if base.startswith((f"{socket}.broadcast", f"{variable}.sockets", *rooms)) else None


def _is_awaited(node: Node) -> bool:
    """Return whether a timer settles a promise: `new Promise((resolve) => setTimeout(resolve, 5))`."""
    wrappers = (*FUNCTIONS, "arguments", "statement_block", "expression_statement")
    around = node.parent
    while around is not None and around.type in wrappers:
        around = around.parent
    return around is not None and text_of(around).startswith("new Promise(")
