"""Understand what a server does with a connection: a greeting, and a handler for each message."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from converter.javascript.modules import declared_names
from converter.javascript.syntax import field_of, iter_nodes, string_value, text_of
from converter.problems import Severity

from .handler_analysis import analyse_handler
from .model import Handler, Server
from .scopes import FUNCTIONS, arguments_of, function_of, names_in, only_logs, parameters_of

_ENDS = ("close", "disconnect", "disconnecting", "error", "pong", "ping")


def read_connection(server: Server) -> None:
    """Fill a server with its handlers, and with what stands in the way."""
    listener = next(_listeners(server), None)
    if listener is None or (body := field_of(listener, "body")) is None:
        by_hand = "Write the functions by hand, from what happens on a connection."
        message = f"no {server.variable}.on('connection', …) with a function of this file."
        server.problems.append(server.module.problem(server.declarator, "no-connection", message, by_hand))
        return
    server.listener = listener
    parameters = parameters_of(listener)
    server.socket = parameters[0] if parameters else server.socket
    server.request = parameters[1] if len(parameters) > 1 else server.request
    own = _own_names(body)
    statements = body.named_children if body.type == "statement_block" else [body]
    greeting: list[Node] = []
    for statement in statements:
        if statement.type == "comment" or statement.type.endswith("_declaration"):
            continue
        if (call := _on(statement, server.socket)) is not None:
            _take_listener(server, call, own)
        else:
            greeting.append(statement)
    _take_greeting(server, greeting, own)
    _name_unused(server, statements)


def _listeners(server: Server) -> Iterator[Node]:
    """Yield the functions that the server gives its connections to."""
    for node in server.module.nodes:
        for owner in (server.variable, f"{server.variable}.sockets"):
            call = _on(node, owner)
            if call is None or call[0] not in ("connection", "connect") or call[1] is None:
                continue
            function = function_of(server.module.nodes, call[1])
            if function is not None:
                yield function


def _on(statement: Node, owner: str) -> tuple[str, Node | None, Node] | None:
    """Understand `owner.on("event", function)`."""
    call = statement.named_children[0] if statement.type == "expression_statement" else statement
    if call.type != "call_expression" or (function := field_of(call, "function")) is None:
        return None
    target, name = field_of(function, "object"), field_of(function, "property")
    if target is None or name is None or text_of(target) != owner or text_of(name) not in ("on", "once"):
        return None
    arguments = arguments_of(call)
    if len(arguments) < 2 or (event := string_value(arguments[0])) is None:
        return None
    return event, arguments[1] if arguments[1].type in (*FUNCTIONS, "identifier") else None, call


def _own_names(body: Node) -> set[str]:
    """Return the names that live as long as a connection."""
    return {
        text_of(name)
        for statement in body.named_children
        if statement.type.endswith("_declaration")
        for name in declared_names(statement)
    }


def _take_listener(server: Server, call: tuple[str, Node | None, Node], own: set[str]) -> None:
    event, function, node = call
    module = server.module
    if event in _ENDS:
        quiet = only_logs(arguments_of(node)[1])
        by_hand = "" if quiet else "Let clients post a heartbeat, and take silence for the end."
        severity = Severity.INFO if quiet else Severity.ERROR
        message = f"nothing tells a function of '{event}'" + (", which only logs here." if quiet else ".")
        server.problems.append(module.problem(node, "connection-end", message, by_hand, severity))
        return
    if function is None:
        by_hand = "Write the function in place, or give its name."
        message = f"the handler of '{event}' is neither a function in place nor the name of one."
        server.problems.append(module.problem(node, "handler", message, by_hand))
        return
    handler = Handler(event, node, text_of(function), takes=_takes(server, function))
    server.handlers.append(analyse_handler(server, handler, function, own))


def _takes(server: Server, written: Node) -> int:
    """Return how many arguments a handler takes, apart from the function that acknowledges."""
    function = function_of(server.module.nodes, written) or written
    names = parameters_of(function)
    called = {
        text_of(field_of(n, "function") or n) for n in iter_nodes(function) if n.type == "call_expression"
    }
    return len(names) - (bool(names) and names[-1] in called)


def _name_unused(server: Server, statements: list[Node]) -> None:
    """Name what is kept for no handler, and so does something else: a timer, as a rule."""
    used = {name for handler in server.handlers for name in names_in(handler.node)}
    for statement in statements:
        names = {text_of(name) for name in declared_names(statement)}
        if not statement.type.endswith("_declaration") or statement.type.startswith(("function", "class")):
            continue
        values = [field_of(part, "value") for part in statement.named_children]
        calls = [v for v in values if v is not None and v.type in ("call_expression", "await_expression")]
        if calls and not names & used:
            _refuse_code(server, statement)


def _refuse_code(server: Server, statement: Node) -> None:
    by_hand = (
        "Nothing runs between two calls: use a scheduled function, or do it with each message. Handlers are "
        f"understood as {server.socket}.on('…', …)."
    )
    message = "this happens on every connection, and is not converted."
    server.problems.append(server.module.problem(statement, "connection-code", message, by_hand))


def _take_greeting(server: Server, statements: list[Node], own: set[str]) -> None:
    """What is sent to whoever comes opens the channel; anything else has no place there."""
    sent = [
        s for s in statements if text_of(s).startswith((f"{server.socket}.send(", f"{server.socket}.emit("))
    ]
    for statement in statements:
        if statement not in sent and not text_of(statement).startswith("console."):
            _refuse_code(server, statement)
    if sent:
        code = "() => {\n" + "\n".join(text_of(statement) for statement in sent) + "\n}"
        handler = Handler("connection", sent[0], code)
        for statement in sent:
            analyse_handler(server, handler, statement, own)
        server.handlers.append(handler)
