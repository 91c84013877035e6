"""Report what a server does besides handling messages: access control, other servers and background work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tree_sitter import Node

from converter.javascript.modules import LinkKind, Module
from converter.javascript.project_state import ProjectState
from converter.javascript.stateful import Reading, returned_names
from converter.javascript.syntax import field_of, iter_nodes, string_value, text_of
from converter.problems import Problem, Severity

from .exports import exported_names
from .model import Server
from .scopes import FUNCTIONS, arguments_of, declaration_of, declarations_for, names_in, only_logs, top_names

_AUTHENTICATE = "Authenticate the caller in each function, by a cookie or an Authorization header."
_ACCESS_OPTIONS = ("verifyClient", "allowRequest", "handleProtocols")
# Methods that start or stop a server, which functions do not need.
_LIFECYCLE_METHODS = ("listen", "attach", "attachApp", "bind", "close", "handleUpgrade")


def find_unconverted(server: Server) -> Iterator[Problem]:
    """Yield what the conversion would otherwise drop silently."""
    yield from _option_problems(server)
    yield from _chain_problems(server)
    handler_names = _names_of_handlers(server)
    reported: set[int] = set()
    for use in server.module.nodes:
        if use.type != "identifier" or text_of(use) != server.variable or _is_own(server, use):
            continue
        statement = _statement_of(server, use)
        if statement.id not in reported and not _is_harmless(server, statement, use, handler_names):
            reported.add(statement.id)
            yield _use_problem(server, server.module, use)


def find_uses_elsewhere(server: Server, state: ProjectState) -> Iterator[Problem]:
    """Yield the uses of a server in the modules that import it, or a function that returns it."""
    own = state.readings[server.module.path]
    getters = {name for name, names in returned_names(own).items() if server.variable in names}
    meant = {server.variable, *getters}
    names = exported_names(own.module, meant) | (getters & own.module.exports.keys())
    owner, _, member = server.label.rpartition(".")
    names |= {member} if owner in ("exports", "module.exports") else set()
    for reading in state.readings.values():
        if (use := _first_use(reading, server.module.path, names)) is not None:
            yield _use_problem(server, reading.module, use)


def _first_use(reading: Reading, path: Path, names: set[str]) -> Node | None:
    """Return where a module first does more with imported `names` of a file than start the server."""
    origins = {local: imported for local, (origin, imported) in reading.files.items() if origin == path}
    for link in reading.module.links:
        member = field_of(link.node.parent, "property") if link.kind == LinkKind.REQUIRE else None
        is_ours = reading.targets.get(link.node.id) == path and member is not None
        if is_ours and member is not None and {text_of(member), "default"} & names:
            return link.node
    for use in reading.module.nodes if origins and names else ():
        if use.type != "identifier" or text_of(use) not in origins:
            continue
        imported, around = origins[text_of(use)], use.parent
        member = field_of(around, "property")
        is_whole = imported in ("default", "*")
        if is_whole and member is not None and text_of(member) in names and around is not None:
            use, around = around, around.parent
        elif imported not in names and not (imported == "*" and "default" in names):
            continue
        is_called = around is not None and around.type in ("member_expression", "call_expression")
        if is_called and _method_call(use)[1] not in _LIFECYCLE_METHODS:
            return use
    return None


def _use_problem(server: Server, module: Module, use: Node) -> Problem:
    message = f"this use of {server.label} is outside a message handler, and is not converted."
    return module.problem(use, "server-code", message, "Do it in each function, or in a scheduled function.")


def _chain_problems(server: Server) -> Iterator[Problem]:
    """Report the calls on a new server that do more than start it and register listeners."""
    for call in server.chain:
        name, arguments = field_of(field_of(call, "function"), "property"), arguments_of(call)
        if name is None or call in server.created or text_of(name) in _LIFECYCLE_METHODS:
            continue
        listens = text_of(name) in ("on", "once", "addListener") and len(arguments) > 1
        if not listens or not (_is_connection(arguments[0]) or only_logs(arguments[1])):
            yield _use_problem(server, server.module, call)


def _is_connection(event: Node) -> bool:
    return string_value(event) in ("connection", "connect")


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
    named = {text_of(option) for option in server.options if option.type == "identifier"}
    values = [
        value
        for node in server.module.nodes
        if node.type == "variable_declarator" and text_of(field_of(node, "name") or node) in named
        if (value := field_of(node, "value")) is not None and value.type == "object"
    ]
    for node in iter_nodes(*server.options, *values):
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


def _is_own(server: Server, use: Node) -> bool:
    """Return whether a name is in the connection listener, declares the server, or is assigned to."""
    if server.listener is not None and _contains(server.listener, use):
        return True
    parent = use.parent
    if parent is None or _contains(server.declarator, use):
        return True
    is_declared = parent.type == "variable_declarator" and field_of(parent, "name") == use
    return is_declared or (parent.type == "assignment_expression" and field_of(parent, "left") == use)


def _statement_of(server: Server, use: Node) -> Node:
    """Return the statement of a use that stands next to the one with the server, or the nearest one."""
    nearest, node = None, use
    while node.parent is not None:
        if node.parent.type in ("program", "statement_block"):
            nearest = nearest or node
            if _contains(node.parent, server.declarator):
                return nearest if _contains(node, server.declarator) else node
        node = node.parent
    return nearest or use


def _contains(outer: Node, inner: Node) -> bool:
    return outer.start_byte <= inner.start_byte and inner.end_byte <= outer.end_byte


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
    if not _is_connection(arguments[0]):
        return False
    if _contains(call, listener):
        return True
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
