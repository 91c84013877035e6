"""Report what a server does besides handling messages: access control, other servers and background work."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from converter.javascript.modules import Module
from converter.javascript.syntax import field_of, iter_nodes, string_value, text_of
from converter.problems import Problem, Severity

from .model import Server
from .scopes import FUNCTIONS, arguments_of, declaration_of, declarations_for, names_in, only_logs, top_names

_AUTHENTICATE = "Authenticate the caller in each function, by a cookie or an Authorization header."
_ACCESS_OPTIONS = ("verifyClient", "allowRequest", "handleProtocols")
# Methods that start or stop a server, which functions do not need.
_LIFECYCLE_METHODS = ("listen", "attach", "attachApp", "bind", "close", "handleUpgrade")


def find_unconverted(server: Server) -> Iterator[Problem]:
    """Yield what the conversion would otherwise drop silently."""
    yield from _option_problems(server)
    handler_names = _names_of_handlers(server)
    for statement in _sibling_statements(server):
        if server.listener is not None and _contains(statement, server.listener):
            continue
        for use in _uses(server, statement):
            if not _is_harmless(server, statement, use, handler_names):
                message = f"this use of {server.variable} is outside a message handler, and is not converted."
                by_hand = "Do it in each function, or in a scheduled function."
                yield server.module.problem(use, "server-code", message, by_hand)
                break


def find_upgrade_listeners(module: Module) -> Iterator[Problem]:
    """Yield the 'upgrade' listeners, which decide who may connect."""
    for node in module.nodes:
        function = field_of(node, "function") if node.type == "call_expression" else None
        name = field_of(function, "property")
        if name is None or text_of(name) not in ("on", "once", "addListener"):
            continue
        arguments = arguments_of(node)
        if len(arguments) > 1 and string_value(arguments[0]) == "upgrade":
            message = "code that runs before a connection is accepted is not converted."
            yield module.problem(node, "who-may-connect", message, _AUTHENTICATE)


def _option_problems(server: Server) -> Iterator[Problem]:
    for node in iter_nodes(server.declarator):
        is_shorthand = node.type == "shorthand_property_identifier"
        key = node if is_shorthand else field_of(node, "key") or field_of(node, "name")
        name = text_of(key) if key is not None else ""
        if name in _ACCESS_OPTIONS:
            message = f"{name} decides who may connect, and is not converted."
            yield server.module.problem(node, "who-may-connect", message, _AUTHENTICATE)
        elif name == "cors":
            by_hand = "Send access-control-allow-origin for /sockets/* with [[headers]] in netlify.toml."
            message = "the functions do not allow requests from other origins."
            yield server.module.problem(node, "cors", message, by_hand, Severity.WARNING)


def _sibling_statements(server: Server) -> list[Node]:
    """Return the statements next to the one that creates the server."""
    node = server.declarator
    while node.parent is not None:
        if node.parent.type in ("program", "statement_block"):
            return [statement for statement in node.parent.named_children if statement != node]
        node = node.parent
    return []


def _contains(outer: Node, inner: Node) -> bool:
    return outer.start_byte <= inner.start_byte and inner.end_byte <= outer.end_byte


def _uses(server: Server, statement: Node) -> list[Node]:
    return [n for n in iter_nodes(statement) if n.type == "identifier" and text_of(n) == server.variable]


def _names_of_handlers(server: Server) -> set[str]:
    """Return the top-level names that handlers depend on."""
    names = names_in(*(handler.node for handler in server.handlers)) - server.own_names
    declarations = declarations_for(server.top_level, names, server.own_names)
    return {name for statement in declarations for name in top_names(statement)}


def _is_harmless(server: Server, statement: Node, use: Node, handler_names: set[str]) -> bool:
    """Return whether a use is in a helper of handlers, starts or exports the server, or only logs."""
    if statement.type in ("return_statement", "import_statement"):
        return True
    if statement.type == "export_statement" and field_of(statement, "declaration") is None:
        return True
    if names := top_names(statement):
        return bool(names & handler_names) and _is_function(declaration_of(statement))
    if text_of(statement).startswith(("module.exports", "exports.")):
        return True
    call, name = _method_call(use)
    if call is None:
        return False
    if _registers_listener(server, call):
        return True
    arguments = arguments_of(call)
    return name in _LIFECYCLE_METHODS or (
        name in ("on", "once") and len(arguments) > 1 and only_logs(arguments[1])
    )


def _registers_listener(server: Server, call: Node) -> bool:
    """Return whether a call registers, by name, the connection listener that was read."""
    arguments, listener = arguments_of(call), server.listener
    if listener is None or len(arguments) < 2:
        return False
    if string_value(arguments[0]) not in ("connection", "connect"):
        return False
    name = field_of(listener, "name") or field_of(listener.parent, "name")
    return arguments[1].type == "identifier" and name is not None and text_of(name) == text_of(arguments[1])


def _method_call(use: Node) -> tuple[Node | None, str]:
    """Return the call of a method of the server, or of its `sockets`, with the method's name."""
    member = use.parent
    while member is not None and member.type == "member_expression" and member.parent is not None:
        if member.parent.type == "call_expression":
            return member.parent, text_of(field_of(member, "property") or member)
        member = member.parent
    return None, ""


def _is_function(declaration: Node) -> bool:
    if declaration.type.endswith("function_declaration"):
        return True
    values = [field_of(part, "value") for part in declaration.named_children]
    return all(value is not None and value.type in FUNCTIONS for value in values)
