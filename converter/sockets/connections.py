"""Read the 'connection' handler of a server: its greeting, and a handler for each kind of message."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from converter.javascript.modules import declared_names
from converter.javascript.syntax import field_of, string_value, text_of
from converter.problems import Severity

from .handler_analysis import analyse_handler
from .model import Handler, Server
from .scopes import FUNCTIONS, arguments_of, called_functions, function_of, names_in, only_logs, parameters_of

_LIFECYCLE_EVENTS = ("close", "disconnect", "disconnecting", "error", "pong", "ping")


def read_connection(server: Server) -> None:
    """Add a server's handlers and their problems to it."""
    listener = next(_connection_listeners(server), None)
    if listener is None or (body := field_of(listener, "body")) is None:
        by_hand = "Write the functions by hand, from what the server does on a connection."
        message = f"no {server.label}.on('connection', …) with a function of this file."
        server.problems.append(server.module.problem(server.declarator, "no-connection", message, by_hand))
        return
    server.listener = listener
    parameters = parameters_of(listener)
    server.socket = parameters[0] if parameters else server.socket
    server.request = parameters[1] if len(parameters) > 1 else server.request
    statements = body.named_children if body.type == "statement_block" else [body]
    declarations = [statement for statement in body.named_children if _is_declaration(statement)]
    names = {text_of(name) for statement in declarations for name in declared_names(statement)}
    greeting: list[Node] = []
    for statement in statements:
        if statement.type == "comment" or _is_declaration(statement):
            continue
        if (registration := _registration(statement, {server.socket})) is not None:
            _add_handler(server, registration, names)
        else:
            greeting.append(statement)
    _add_greeting(server, greeting, names)
    _report_unused(server, declarations)


def _is_declaration(statement: Node) -> bool:
    return statement.type.endswith("_declaration")


def _connection_listeners(server: Server) -> Iterator[Node]:
    owners = server.owners
    for node in server.module.nodes:
        event, listener, _ = _registration(node, owners) or ("", None, node)
        if event not in ("connection", "connect") or listener is None:
            continue
        if (function := function_of(server.module.nodes, listener)) is not None:
            yield function


# The event, its listener if that is a function or a name, and the whole call.
Registration = tuple[str, Node | None, Node]


def _registration(statement: Node, owners: set[str]) -> Registration | None:
    """Parse `owner.on("event", listener)`."""
    call = statement.named_children[0] if statement.type == "expression_statement" else statement
    if call.type != "call_expression" or (function := field_of(call, "function")) is None:
        return None
    target, name = field_of(function, "object"), field_of(function, "property")
    if target is None or name is None or text_of(target) not in owners or text_of(name) not in ("on", "once"):
        return None
    arguments = arguments_of(call)
    if len(arguments) < 2 or (event := string_value(arguments[0])) is None:
        return None
    return event, arguments[1] if arguments[1].type in (*FUNCTIONS, "identifier") else None, call


def _add_handler(server: Server, registration: Registration, names: set[str]) -> None:
    event, function, node = registration
    module = server.module
    if event in _LIFECYCLE_EVENTS:
        message = f"functions do not receive '{event}'"
        if only_logs(arguments_of(node)[1]):
            problem = module.problem(
                node, "connection-end", f"{message}, which only logs here.", severity=Severity.INFO
            )
        else:
            by_hand = "Let clients post a heartbeat, and treat its absence as the end."
            problem = module.problem(node, "connection-end", f"{message}.", by_hand)
        server.problems.append(problem)
    elif function is None:
        by_hand = "Write the function inline, or pass its name."
        message = f"the handler of '{event}' is neither an inline function nor the name of one."
        server.problems.append(module.problem(node, "handler", message, by_hand))
    else:
        if event in {earlier.event for earlier in server.handlers}:
            by_hand = "Join the handlers: one function answers each event."
            message = f"'{event}' has another handler already, which alone would be converted."
            server.problems.append(module.problem(node, "handler", message, by_hand))
            return
        handler = Handler(event, node, text_of(function), arity=_arity(server, function))
        analyse_handler(server, handler, function, names)
        server.handlers.append(handler)


def _arity(server: Server, listener: Node) -> int:
    """Return the number of arguments of a message, without the acknowledgement callback."""
    function = function_of(server.module.nodes, listener) or listener
    parameters = parameters_of(function)
    has_callback = bool(parameters) and parameters[-1] in called_functions(function)
    return len(parameters) - has_callback


def _report_unused(server: Server, declarations: list[Node]) -> None:
    """Report calls whose result no handler uses, so that they have another purpose: usually a timer."""
    used = {name for handler in server.handlers for name in names_in(handler.node)}
    for statement in declarations:
        if statement.type.startswith(("function", "class")):
            continue
        names = {text_of(name) for name in declared_names(statement)}
        values = [field_of(part, "value") for part in statement.named_children]
        calls = [v for v in values if v is not None and v.type in ("call_expression", "await_expression")]
        if calls and not names & used:
            _report_connection_code(server, statement)


def _report_connection_code(server: Server, statement: Node) -> None:
    by_hand = (
        "Nothing runs between two calls: use a scheduled function, or do it with each message. Handlers are "
        f"recognized in the form {server.socket}.on('…', …)."
    )
    message = "this code runs on every connection, and is not converted."
    server.problems.append(server.module.problem(statement, "connection-code", message, by_hand))


def _add_greeting(server: Server, statements: list[Node], names: set[str]) -> None:
    """Turn what is sent on connecting into the start of the channel; report other code."""
    sending: list[Node] = []
    for statement in statements:
        text = text_of(statement)
        if text.startswith((f"{server.socket}.send(", f"{server.socket}.emit(")):
            sending.append(statement)
        elif not text.startswith("console."):
            _report_connection_code(server, statement)
    if sending:
        code = "() => {\n" + "\n".join(map(text_of, sending)) + "\n}"
        handler = Handler("connection", sending[0], code)
        for statement in sending:
            analyse_handler(server, handler, statement, names)
        server.handlers.append(handler)
