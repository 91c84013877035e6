"""Make a module of its own out of each handler: its code, and what that needs from the top of the file."""

from __future__ import annotations

from pathlib import Path

from tree_sitter import Node

from converter.javascript.modules import Link, LinkKind
from converter.javascript.syntax import text_of

from .model import Handler, Server
from .scopes import declaration_of, declarations_for, names_in, top_names

_STATES = "{ CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 }"


def path_of(server: Server, handler: Handler) -> Path:
    """Return the place beside the server's file that the handler's module pretends to have."""
    safe = "".join(c if c.isascii() and c.isalnum() else "-" for c in handler.event)
    path = server.module.path
    return path.with_name(f"{path.stem}.on-{safe}-{handler.line}{path.suffix}")


def source_for(server: Server, handler: Handler) -> str:
    """Return the source of a handler's module: a function of the connection that returns the handler."""
    module = server.module
    without = {server.variable, server.socket, server.request}
    names = names_in(handler.node) - without
    statements = declarations_for(module.source.root.named_children, names, without)
    wanted = names_in(*statements) | names
    own = [statement for statement in statements if not _is_link(server, statement)]
    inner = _speaking_of(server, own)
    lines = [*_imports(server, wanted, statements)]
    lines += [text_of(declaration_of(statement)) for statement in own if statement not in inner]
    arguments = ", ".join(_typed(server, name) for name in (server.socket, server.variable, server.request))
    export = "export default" if module.is_esm else "module.exports ="
    if not inner:
        return "\n".join([*lines, f"{export} ({arguments}) => {handler.code};", ""])
    helpers = [text_of(declaration_of(statement)) for statement in inner]
    return "\n".join([*lines, f"{export} ({arguments}) => {{", *helpers, f"return {handler.code};", "};", ""])


def _speaking_of(server: Server, statements: list[Node]) -> list[Node]:
    """Return the declarations that lead to the server, which exists within the function only."""
    names, found = {server.variable}, list[Node]()
    while more := [s for s in statements if s not in found and names_in(s) & names]:
        found += more
        names |= {name for statement in more for name in top_names(statement)}
    return [statement for statement in statements if statement in found]


def _typed(server: Server, name: str) -> str:
    return f"{name}: any" if server.module.source.is_typescript else name


def _is_link(server: Server, statement: Node) -> bool:
    """Say whether a statement only imports, by require or otherwise."""
    links = {id(link): link for link in server.module.links}.values()
    return any(_statement_of(link) == statement for link in links)


def _statement_of(link: Link) -> Node:
    node = link.node
    while node.parent is not None and node.parent.type != "program":
        node = node.parent
    return node


def _imports(server: Server, wanted: set[str], statements: list[Node]) -> list[str]:
    """Return the imports that are used; of the server's own library, only the states of a connection."""
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
        own = link.specifier in ("ws", "socket.io")
        if own and not link.type_only:
            lines += [f"const {name} = {_STATES};" for name in used if not name.endswith("Server")]
        elif not own:
            lines.append(text_of(statement))
    return lines
