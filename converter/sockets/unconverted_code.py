"""Name what a server does besides handling messages: who may connect, other servers, and work on its own."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from converter.javascript.modules import Module
from converter.javascript.syntax import field_of, iter_nodes, string_value, text_of
from converter.problems import Problem, Severity

from .model import Server
from .scopes import (
    FUNCTIONS,
    arguments_of,
    declaration_of,
    declarations_for,
    names_in,
    only_logs,
    top_names,
)

_BY_HAND = "Do it in each function, or in a scheduled one."
_CHECK = "Check in each function who asks, by a cookie or an Authorization header."
_CHECKS = ("verifyClient", "allowRequest", "handleProtocols")
# What starts or ends a server has no counterpart, and needs none.
_STARTING = ("listen", "attach", "attachApp", "bind", "close", "handleUpgrade")


def find_unconverted(server: Server) -> Iterator[Problem]:
    """Yield what would be lost without anybody noticing."""
    yield from _options(server)
    used = _names_of_handlers(server)
    for statement in _statements_around(server):
        if server.listener is not None and _contains(statement, server.listener):
            continue
        for use in _uses(server, statement):
            if not _is_harmless(server, statement, use, used):
                message = f"this use of {server.variable} is outside of any message, and is not converted."
                yield server.module.problem(use, "server-code", message, _BY_HAND)
                break


def find_upgrade_listeners(module: Module) -> Iterator[Problem]:
    """Yield the places that decide who may connect before there is a connection."""
    for node in module.nodes:
        function = field_of(node, "function") if node.type == "call_expression" else None
        name = field_of(function, "property")
        if name is None or text_of(name) not in ("on", "once", "addListener"):
            continue
        arguments = arguments_of(node)
        if len(arguments) > 1 and string_value(arguments[0]) == "upgrade":
            message = "what happens before a connection is made is not converted."
            yield module.problem(node, "who-may-connect", message, _CHECK)


def _options(server: Server) -> Iterator[Problem]:
    for node in iter_nodes(server.declarator):
        key = field_of(node, "key") or field_of(node, "name")
        if node.type == "shorthand_property_identifier":
            key = node
        if key is None and node.type != "shorthand_property_identifier":
            continue
        name = text_of(key) if key is not None else ""
        if name in _CHECKS:
            message = f"{name} decides who may connect, and is not converted."
            yield server.module.problem(node, "who-may-connect", message, _CHECK)
        elif name == "cors":
            by_hand = "Send access-control-allow-origin for /sockets/* by [[headers]] in netlify.toml."
            message = "pages of other origins are not let in by the functions."
            yield server.module.problem(node, "cors", message, by_hand, Severity.WARNING)


def _statements_around(server: Server) -> list[Node]:
    """Return the statements beside the one that makes the server."""
    node: Node | None = server.declarator
    while node is not None and (
        node.parent is None or node.parent.type not in ("program", "statement_block")
    ):
        node = node.parent
    block = node.parent if node is not None else None
    return [s for s in block.named_children if s != node] if block is not None else []


def _contains(outer: Node, inner: Node) -> bool:
    return outer.start_byte <= inner.start_byte and inner.end_byte <= outer.end_byte


def _uses(server: Server, statement: Node) -> list[Node]:
    return [n for n in iter_nodes(statement) if n.type == "identifier" and text_of(n) == server.variable]


def _names_of_handlers(server: Server) -> set[str]:
    """Return the names at the top of the file that handlers lead to."""
    without = {server.variable, server.socket, server.request}
    names = {name for handler in server.handlers for name in names_in(handler.node)} - without
    taken = declarations_for(server.module.source.root.named_children, names, without)
    return {name for statement in taken for name in top_names(statement)}


def _is_harmless(server: Server, statement: Node, use: Node, used: set[str]) -> bool:
    """Say whether a use is in a helper of handlers, starts the server, exports it, or only logs."""
    if statement.type in ("return_statement", "import_statement"):
        return True
    if statement.type == "export_statement" and field_of(statement, "declaration") is None:
        return True
    if top_names(declaration_of(statement)):
        return bool(top_names(statement) & used) and _is_function(declaration_of(statement))
    if text_of(statement).startswith(("module.exports", "exports.")):
        return True
    if server.listener is not None and _connects(server, use):
        # By the name of a function, which is the one that was read.
        return True
    call, name = _call_on(use)
    if call is None:
        return False
    arguments = arguments_of(call)
    return name in _STARTING or (name in ("on", "once") and len(arguments) > 1 and only_logs(arguments[1]))


def _connects(server: Server, use: Node) -> bool:
    call, _ = _call_on(use)
    arguments = arguments_of(call) if call is not None else []
    if len(arguments) < 2 or string_value(arguments[0]) not in ("connection", "connect"):
        return False
    listener = server.listener
    name = field_of(listener, "name") or field_of(listener.parent if listener else None, "name")
    return arguments[1].type == "identifier" and name is not None and text_of(name) == text_of(arguments[1])


def _call_on(use: Node) -> tuple[Node | None, str]:
    """Return the call of a member of the server, or of its `sockets`, with the member's name."""
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
