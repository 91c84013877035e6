"""Find WebSocket servers in a project, and understand what they do with each message."""

from __future__ import annotations

from pathlib import Path

from tree_sitter import Node

from converter.javascript.literals import NotLiteral, value_of
from converter.javascript.modules import Module, read_module
from converter.javascript.syntax import SUFFIXES, field_of, string_value, text_of
from converter.problems import ConversionError, Problem, Severity
from converter.routes.layout import HEADER
from converter.routes.module_checks import parse_problems
from converter.routes.project import Project, files_below, open_project

from .connections import read_connection
from .markup_clients import unread_pages
from .model import Analysis, Library, Server
from .unconverted_code import find_unconverted, find_upgrade_listeners

_PACKAGES = {"ws": Library.WS, "socket.io": Library.SOCKET_IO}


def analyse(path: Path) -> tuple[Project, Analysis]:
    """Read every module below a directory; raises ConversionError when there is none."""
    project = open_project(path)
    found = Analysis(project.root)
    root = path.resolve()
    for file in files_below(root, SUFFIXES):
        if not file.is_file() or not file.resolve().is_relative_to(root):
            found.problems.append(_beyond(project, file))
            continue
        module = read_module(file, project.name(file), esm_by_default=project.is_module)
        if module.source.text.startswith(HEADER.encode()):
            continue
        found.modules.append(module)
        if wrong := parse_problems(module):
            found.problems += wrong
        else:
            found.servers += _servers(module, found)
            found.problems += find_upgrade_listeners(module)
    found.problems += unread_pages(project, root)
    if not found.modules:
        raise ConversionError(f"{path} holds no JavaScript and no TypeScript.")
    _tell_apart(found.servers)
    for server in found.servers:
        read_connection(server)
        server.problems += find_unconverted(server)
    return project, found


def _beyond(project: Project, file: Path) -> Problem:
    """Refuse a link that leads nowhere or out of the directory: what is behind it is not to be changed."""
    message = "it is a link that leads nowhere, or out of the directory."
    by_hand = "Migrate the directory that it leads to, or remove the link."
    return Problem(project.name(file), 0, 0, Severity.ERROR, "unreadable", message, by_hand)


def _tell_apart(servers: list[Server]) -> None:
    taken: set[str] = set()
    for server in servers:
        plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in server.module.path.stem).strip("-")
        base = name = plain or "server"
        number = 2
        while name in taken:
            name, number = f"{base}-{number}", number + 1
        taken.add(name)
        server.name = name


def _servers(module: Module, found: Analysis) -> list[Server]:
    """Return the servers that a module makes; one without a variable is a problem."""
    makers = {
        binding.local: (library, binding.imported)
        for link in module.links
        if (library := _PACKAGES.get(link.specifier or "")) is not None and not link.type_only
        for binding in link.bindings
    }
    servers = []
    for node in module.nodes if makers else ():
        if (library := _made_by(node, makers)) is None:
            continue
        declarator = node.parent
        name = (
            field_of(declarator, "name") if declarator and declarator.type == "variable_declarator" else None
        )
        if declarator is None or name is None or name.type != "identifier":
            message = "the server has no variable of its own, so what it does with messages is unknown."
            by_hand = (
                "Keep it in a constant, as in `const server = …`, and register its handlers by that name."
            )
            found.problems.append(module.problem(node, "server", message, by_hand))
            continue
        line = node.start_point.row + 1
        servers.append(Server(library, module, "", line, text_of(name), declarator, _path_option(node)))
    return servers


def _made_by(value: Node, makers: dict[str, tuple[Library, str]]) -> Library | None:
    """`new WebSocketServer()`, `new WebSocket.Server()`, `new Server()`, `socketio(server)`"""
    if value.type not in ("new_expression", "call_expression"):
        return None
    made = field_of(value, "constructor" if value.type == "new_expression" else "function")
    member = ""
    if made is not None and made.type == "member_expression":
        member, made = text_of(field_of(made, "property") or made), field_of(made, "object")
    library, imported = makers.get(text_of(made) if made is not None else "", (None, ""))
    if value.type == "call_expression":
        # The function that socket.io is by default, or was.
        return (
            library if library == Library.SOCKET_IO and imported in ("default", "*") and not member else None
        )
    # `new WebSocket()` is a client; the name may be another one in this file.
    return (
        library
        if (member or imported).endswith("Server") or _is_default_of_socket_io(library, imported)
        else None
    )


def _is_default_of_socket_io(library: Library | None, imported: str) -> bool:
    return library == Library.SOCKET_IO and imported in ("default", "*")


def _path_option(value: Node) -> str | None:
    arguments = field_of(value, "arguments")
    for argument in arguments.named_children if arguments else ():
        for pair in argument.named_children if argument.type == "object" else ():
            key, written = field_of(pair, "key"), field_of(pair, "value")
            if key is not None and written is not None and text_of(key) == "path":
                try:
                    found = value_of(written)
                except NotLiteral:
                    return string_value(written)
                return found if isinstance(found, str) else None
    return None
