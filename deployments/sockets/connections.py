"""Understand what a server does with a connection: a greeting, and a handler for each message."""

from __future__ import annotations

from tree_sitter import Node

from deployments.routes.modules import bound_names, declared_names
from deployments.routes.problems import Severity
from deployments.routes.refusing import problem
from deployments.routes.syntax import field_of, string_value, text_of, walk

from .model import Handler, Library, Server
from .scopes import FUNCTIONS, arguments_of, is_state, names_in, needed

_ENDS = ("close", "disconnect", "disconnecting", "error", "pong", "ping")
_STORE = "Keep it in a database or in Netlify Blobs, and read it in each call."


def read_connection(server: Server) -> None:
    """Fill a server with its handlers, and with what stands in the way."""
    listener = next((found for found in _listeners(server.module.nodes, server.variable, "connection")), None)
    if listener is None or (body := field_of(listener, "body")) is None:
        by_hand = "Write the functions by hand, from what happens on a connection."
        root = server.module.source.root
        message = f"no {server.variable}.on('connection', …) with a function in place."
        server.problems.append(problem(server.module, root, "no-connection", message, by_hand))
        return
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


def _listeners(nodes: list[Node], owner: str, event: str) -> list[Node]:
    """Return the functions that `owner.on(event, …)` is given."""
    found = []
    for node in nodes:
        if (call := _on(node, owner)) is not None and call[0] in (event, "connect") and call[1] is not None:
            found.append(call[1])
    return found


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


def parameters_of(function: Node) -> list[str]:
    """Return the names of a function's parameters; of a pattern, its first."""
    single, several = field_of(function, "parameter"), field_of(function, "parameters")
    nodes = [single] if single else several.named_children if several else []
    return [text_of(names[0]) for node in nodes if node and (names := bound_names(node))]


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
        quiet = function is not None and function.type in FUNCTIONS and _only_logs(function)
        by_hand = "" if quiet else "Let clients post a heartbeat, and take silence for the end."
        severity = Severity.INFO if quiet else Severity.ERROR
        message = f"nothing tells a function of '{event}'" + (", which only logs here." if quiet else ".")
        server.problems.append(problem(module, node, "connection-end", message, by_hand, severity))
        return
    if function is None:
        by_hand = "Write the function in place, or give its name."
        message = f"the handler of '{event}' is neither a function in place nor the name of one."
        server.problems.append(problem(module, node, "handler", message, by_hand))
        return
    handler = Handler(event, node, text_of(function), takes=_takes(function))
    server.handlers.append(judged(server, handler, function, own))


def _takes(function: Node) -> int:
    """Return how many arguments a handler takes, apart from the function that acknowledges."""
    names = parameters_of(function)
    called = {text_of(field_of(n, "function") or n) for n in walk(function) if n.type == "call_expression"}
    return len(names) - (bool(names) and names[-1] in called)


def _only_logs(function: Node) -> bool:
    calls = [text_of(field_of(n, "function") or n) for n in walk(function) if n.type == "call_expression"]
    changes = any(n.type in ("assignment_expression", "update_expression") for n in walk(function))
    return not changes and all(call.startswith("console.") for call in calls)


def _take_greeting(server: Server, statements: list[Node], own: set[str]) -> None:
    """What is sent to whoever comes opens the channel; anything else has no place there."""
    sent = [
        s for s in statements if text_of(s).startswith((f"{server.socket}.send(", f"{server.socket}.emit("))
    ]
    for statement in statements:
        if statement not in sent and not text_of(statement).startswith("console."):
            by_hand = "Nothing runs between two calls: use a scheduled function, or do it with each message."
            message = "this happens on every connection, and is no message to it."
            server.problems.append(problem(server.module, statement, "connection-code", message, by_hand))
    if sent:
        code = "() => {\n" + "\n".join(text_of(statement) for statement in sent) + "\n}"
        handler = Handler("connection", sent[0], code)
        for statement in sent:
            judged(server, handler, statement, own)
        server.handlers.append(handler)


def judged(server: Server, handler: Handler, function: Node, own: set[str]) -> Handler:
    """Say what a handler sends to whom, and what it uses that a function doesn't have."""
    module = server.module
    without = {server.variable, server.socket, server.request}
    names = names_in(function) - without
    declarations = needed(module.source.root.named_children, names, without)
    every = [function, *declarations]
    for name in sorted(names & own):
        message = f"{name} lives as long as a connection; a function knows one message only."
        where = _first(function, name) or function
        handler.problems.append(problem(module, where, "connection-state", message, _STORE))
    for statement in declarations:
        if is_state(statement):
            message = "what is kept here is lost between two calls of a function."
            handler.problems.append(problem(module, statement, "module-state", message, _STORE))
    for node in (n for part in every for n in walk(part)):
        _judge_call(server, handler, node)
    return handler


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


def _first(node: Node, name: str) -> Node | None:
    return next((n for n in walk(node) if n.type == "identifier" and text_of(n) == name), None)


def _judge_call(server: Server, handler: Handler, node: Node) -> None:
    socket, variable, module = server.socket, server.variable, server.module
    if node.type == "member_expression" and text_of(node) == f"{variable}.clients":
        handler.broadcasts = True
    if node.type == "binary_expression" and text_of(field_of(node, "operator") or node) in ("!==", "!="):
        sides = {text_of(side) for side in (field_of(node, "left"), field_of(node, "right")) if side}
        handler.spares_sender |= socket in sides
    if node.type != "call_expression" or (function := field_of(node, "function")) is None:
        return
    text = text_of(function)
    if text in (f"{socket}.send", f"{socket}.emit"):
        handler.replies = True
    elif text.startswith((f"{socket}.broadcast.", f"{socket}.to(", f"{socket}.in(")) and text.endswith(
        "emit"
    ):
        handler.broadcasts = handler.spares_sender = True
    elif server.library == Library.SOCKET_IO and text.startswith(f"{variable}.") and text.endswith("emit"):
        handler.broadcasts = True
    elif text in (f"{socket}.join", f"{socket}.leave"):
        by_hand = "Let the browser name the room: new EventSource('…?room=name'), and io.to(name).emit(…)."
        handler.problems.append(problem(module, node, "room", "a function has no rooms to join.", by_hand))
    elif text in ("setInterval", "setTimeout", "setImmediate") and not _is_awaited(node):
        by_hand = "Use a scheduled function, or await the work before the answer."
        message = f"{text}: the function may end before it runs."
        handler.problems.append(problem(module, node, "timer", message, by_hand))
    elif text in (f"{socket}.on", f"{socket}.once", f"{socket}.use"):
        by_hand = "Register it beside the others, directly in the handler of 'connection'."
        handler.problems.append(problem(module, node, "handler", f"{text} within a handler.", by_hand))
