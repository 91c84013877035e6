"""Judge what a handler does: whom it tells, and what it uses that a function doesn't have."""

from __future__ import annotations

from tree_sitter import Node

from converter.javascript.modules import bound_names, declared_names
from converter.javascript.syntax import field_of, iter_nodes, text_of
from converter.problems import Severity

from .model import Handler, Library, Server
from .scopes import (
    FUNCTIONS,
    arguments_of,
    declarations_for,
    function_of,
    is_state,
    names_in,
    parameters_of,
)

KEEP_ELSEWHERE = "Keep it in a database or in Netlify Blobs, and read it in each call."
_STATES = ("CONNECTING", "OPEN", "CLOSING", "CLOSED", "readyState")
# What the runtime gives a handler; `on`, `join` and their like are named by themselves.
_SOCKET = (
    *_STATES,
    *("id", "request", "handshake", "send", "emit", "to", "in", "broadcast", "volatile", "local", "compress"),
    *("on", "once", "use", "join", "leave", "data"),
)
_SERVER = (*_STATES, "emit", "to", "in", "sockets", "clients", "volatile", "local", "compress", "on", "once")
_REQUEST = ("headers", "url", "method", "socket")
_TELLING = ("emit", "to", "in", "broadcast", "volatile", "local", "compress")


def analyse_handler(server: Server, handler: Handler, function: Node, own: set[str]) -> Handler:
    """Say what a handler sends to whom, and what it uses that a function doesn't have."""
    module = server.module
    without = {server.variable, server.socket, server.request}
    names = names_in(function) - without
    declarations = declarations_for(module.source.root.named_children, names, without)
    for name in sorted(names & own):
        message = f"{name} lives as long as a connection; a function knows one message only."
        _refuse(
            server, handler, _first(function, name) or function, "connection-state", message, KEEP_ELSEWHERE
        )
    for name in sorted((names & _names_around(server)) - own):
        message = f"{name} is of the function around the server; only the top of the file is taken along."
        by_hand = "Declare it at the top of the file."
        _refuse(server, handler, _first(function, name) or function, "scope", message, by_hand)
    for statement in declarations:
        if is_state(statement):
            message = "what is kept here is lost between two calls of a function."
            _refuse(server, handler, statement, "module-state", message, KEEP_ELSEWHERE)
    for node in (n for part in (function, *declarations) for n in iter_nodes(part)):
        _check_call(server, handler, node)
        _check_member(server, handler, node)
    written = function_of(module.nodes, function)
    if server.library == Library.WS and written is not None and len(parameters_of(written)) > 1:
        message = "messages are text: what is binary does not come through, and none says that it is."
        found = module.problem(
            function, "binary", message, "Post it to a function of its own.", Severity.WARNING
        )
        handler.problems.append(found)
    return handler


def _refuse(server: Server, handler: Handler, node: Node, code: str, message: str, by_hand: str) -> None:
    handler.problems.append(server.module.problem(node, code, message, by_hand))


def _names_around(server: Server) -> set[str]:
    """Return the names of the functions that the server is made in."""
    names: set[str] = set()
    around = server.declarator.parent
    while around is not None and around.type != "program":
        if around.type == "statement_block":
            names |= {
                text_of(name) for statement in around.named_children for name in declared_names(statement)
            }
        for parameters in filter(None, (field_of(around, "parameters"), field_of(around, "parameter"))):
            names |= {text_of(name) for name in bound_names(parameters)}
        around = around.parent
    return names - {server.variable}


def _first(node: Node, name: str) -> Node | None:
    return next((n for n in iter_nodes(node) if n.type == "identifier" and text_of(n) == name), None)


def _check_member(server: Server, handler: Handler, node: Node) -> None:
    """Name what the runtime does not give; what is told to several rooms is a chain that ends in emit."""
    owner, name = field_of(node, "object"), field_of(node, "property")
    if node.type != "member_expression" or owner is None or name is None:
        return
    socket, variable, member = server.socket, server.variable, text_of(name)
    base, known = _plain(owner), {socket: _SOCKET, variable: _SERVER}
    if base in known and member not in known[base]:
        message = f"{base}.{member} has no counterpart in a function."
        _refuse(
            server, handler, node, "no-counterpart", message, "Write what it does without the connection."
        )
    elif base == socket and member == "data":
        message = f"{socket}.data lives as long as a connection; a function knows one message only."
        _refuse(server, handler, node, "connection-state", message, KEEP_ELSEWHERE)
    elif base == f"{socket}.handshake" and member == "auth":
        by_hand = "Let the browser send it with each message, and check it there."
        message = "what a browser says of itself at the beginning is not known to a function."
        _refuse(server, handler, node, "who-may-connect", message, by_hand)
    elif (allowed := _members_of(server, base)) is not None and member not in allowed:
        message = f"{member} of {base} has no counterpart in a function."
        by_hand = "Write what it does without the connection."
        _refuse(server, handler, node, "no-counterpart", message, by_hand)


def _members_of(server: Server, base: str) -> tuple[str, ...] | None:
    """Return what a part of a connection or of a server offers; None for anything else."""
    socket, variable = server.socket, server.variable
    if base == f"{variable}.clients":
        return ("forEach",)
    if base in (f"{socket}.request", server.request):
        return _REQUEST
    chains = [f"{one}.{way}(" for one in (socket, variable) for way in ("to", "in")]
    if base.startswith((f"{socket}.broadcast", f"{variable}.sockets", *chains)):
        return _TELLING
    return None


def _plain(node: Node) -> str:
    """Return who is spoken to, without what only says how."""
    text = text_of(node).replace("?", "")
    for word in (".volatile", ".local"):
        text = text.replace(word, "")
    return text


def _check_call(server: Server, handler: Handler, node: Node) -> None:
    socket, variable = server.socket, server.variable
    if node.type == "member_expression" and text_of(node) == f"{variable}.clients":
        handler.broadcasts = True
    if node.type != "call_expression" or (function := field_of(node, "function")) is None:
        return
    text = _plain(function)
    if text == f"{socket}.send" and len(arguments_of(node)) > 1 and server.library == Library.WS:
        message = "what is sent to a browser is text, without options."
        _refuse(server, handler, node, "binary", message, "Send text, and bytes as base64.")
    if text in (f"{socket}.send", f"{socket}.emit"):
        handler.replies = True
    elif (
        text.startswith((f"{socket}.broadcast.", f"{socket}.to(", f"{socket}.in(")) and text.endswith("emit")
    ) or (server.library == Library.SOCKET_IO and text.startswith(f"{variable}.") and text.endswith("emit")):
        handler.broadcasts = True
    elif text in (f"{socket}.join", f"{socket}.leave"):
        by_hand = "Let the browser name the room: new EventSource('…?room=name'), and io.to(name).emit(…)."
        _refuse(server, handler, node, "room", "a function has no rooms to join.", by_hand)
    elif text in ("setInterval", "setTimeout", "setImmediate") and not _is_awaited(node):
        by_hand = "Use a scheduled function, or await the work before the answer."
        message = f"{text}: the function may end before it runs."
        _refuse(server, handler, node, "timer", message, by_hand)
    elif text in (f"{socket}.on", f"{socket}.once", f"{socket}.use"):
        by_hand = "Register it beside the others, directly in the handler of 'connection'."
        _refuse(server, handler, node, "handler", f"{text} within a handler.", by_hand)


def _is_awaited(node: Node) -> bool:
    """Say whether a timer only ends a promise: `new Promise((resolve) => setTimeout(resolve, 5))`."""
    around = node.parent
    while around is not None and around.type in (
        *FUNCTIONS,
        "arguments",
        "statement_block",
        "expression_statement",
    ):
        around = around.parent
    return around is not None and text_of(around).startswith("new Promise(")
