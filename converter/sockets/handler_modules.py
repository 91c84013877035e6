"""Extract each handler into a module, with the top-level declarations it depends on."""

from __future__ import annotations

from pathlib import Path

from tree_sitter import Node

from converter.javascript.modules import Link, LinkKind
from converter.javascript.syntax import text_of
from converter.routes.layout import slug

from .model import Handler, Server
from .scopes import declaration_of, declarations_for, names_in, top_names

_STATES = "{ CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 }"


def path_of(server: Server, handler: Handler) -> Path:
    """Return the virtual path of a handler's module, next to the server's file."""
    path = server.module.path
    return path.with_name(f"{path.stem}.on-{slug(handler.event)}-{handler.line}{path.suffix}")


def source_for(server: Server, handler: Handler) -> str:
    """Return the source of a handler's module: a function of the connection that returns the handler."""
    module = server.module
    names = names_in(handler.node) - server.own_names
    statements = declarations_for(server.top_level, names, server.own_names)
    imports = {_statement_of(link) for link in module.links}
    own = [statement for statement in statements if statement not in imports]
    inner = _dependents_of_server(server, own)
    lines = _imports(server, names_in(*statements) | names)
    lines += [text_of(declaration_of(statement)) for statement in own if statement not in inner]
    arguments = ", ".join(_typed(server, name) for name in (server.socket, server.variable, server.request))
    export = "export default" if module.is_esm else "module.exports ="
    if not inner:
        return "\n".join([*lines, f"{export} ({arguments}) => {handler.code};", ""])
    helpers = [text_of(declaration_of(statement)) for statement in inner]
    return "\n".join([*lines, f"{export} ({arguments}) => {{", *helpers, f"return {handler.code};", "};", ""])


def _dependents_of_server(server: Server, statements: list[Node]) -> list[Node]:
    """Return the declarations that refer to the server, which only exists inside the function."""
    names, dependents = {server.variable}, list[Node]()
    while added := [s for s in statements if s not in dependents and names_in(s) & names]:
        dependents += added
        names |= {name for statement in added for name in top_names(statement)}
    return [statement for statement in statements if statement in dependents]


def _typed(server: Server, name: str) -> str:
    return f"{name}: any" if server.module.source.is_typescript else name


def _statement_of(link: Link) -> Node:
    node = link.node
    while node.parent is not None and node.parent.type != "program":
        node = node.parent
    return node


def _imports(server: Server, wanted: set[str]) -> list[str]:
    """Return the imports that are used; for the server's library, constants for the connection states."""
    lines: list[str] = []
    seen: set[int] = set()
    for link in server.module.links:
        statement = _statement_of(link)
        used = [binding.local for binding in link.bindings if binding.local in wanted]
        if link.kind == LinkKind.DYNAMIC or statement.start_byte in seen or not used:
            continue
        if link.kind == LinkKind.REQUIRE and statement.type == "expression_statement":
            continue
        seen.add(statement.start_byte)
        if link.specifier not in ("ws", "socket.io"):
            lines.append(text_of(statement))
        elif not link.type_only:
            lines += [f"const {name} = {_STATES};" for name in used if not name.endswith("Server")]
    return lines
