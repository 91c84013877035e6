"""Find WebSocket servers in a project, and understand what they do with each message."""

from __future__ import annotations

from pathlib import Path

from tree_sitter import Node

from deployments.routes.layout import HEADER
from deployments.routes.literals import NotLiteral, value_of
from deployments.routes.modules import Module, read_module
from deployments.routes.problems import ConversionError, Problem, Severity
from deployments.routes.project import Project, files_below, open_project
from deployments.routes.refusing import unreadable
from deployments.routes.syntax import SUFFIXES, field_of, string_value, text_of

from .connections import read_connection
from .model import Found, Library, Server

_PACKAGES = {"ws": Library.WS, "socket.io": Library.SOCKET_IO}


def analyse(path: Path) -> tuple[Project, Found]:
    """Read every module below a directory; raises ConversionError when there is none."""
    project = open_project(path)
    found = Found(project.root)
    root = path.resolve()
    for file in files_below(root, SUFFIXES):
        if not file.is_file() or not file.resolve().is_relative_to(root):
            found.problems.append(_beyond(project, file))
            continue
        module = read_module(file, project.name(file), esm_by_default=project.is_module)
        if module.source.text.startswith(HEADER.encode()):
            continue
        found.modules.append(module)
        if wrong := unreadable(module):
            found.problems += wrong
        elif (server := _server(module)) is not None:
            found.servers.append(server)
    if not found.modules:
        raise ConversionError(f"{path} holds no JavaScript and no TypeScript.")
    _tell_apart(found.servers)
    for server in found.servers:
        read_connection(server)
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


def _server(module: Module) -> Server | None:
    """Return the first server that a module makes."""
    makers: dict[str, Library] = {}
    for link in module.links:
        if (library := _PACKAGES.get(link.specifier or "")) is not None and not link.type_only:
            makers |= {binding.local: library for binding in link.bindings}
    if not makers:
        return None
    for node in module.nodes:
        if node.type != "variable_declarator" or (value := field_of(node, "value")) is None:
            continue
        if (library := _made_by(value, makers)) is not None and (name := field_of(node, "name")) is not None:
            line = node.start_point.row + 1
            return Server(library, module, "", line, text_of(name), _path_option(value))
    return None


def _made_by(value: Node, makers: dict[str, Library]) -> Library | None:
    """`new WebSocketServer()`, `new WebSocket.Server()`, `new Server()`, `socketio(server)`"""
    if value.type == "new_expression":
        made = field_of(value, "constructor")
    elif value.type == "call_expression":
        made = field_of(value, "function")
    else:
        return None
    if made is None:
        return None
    if made.type == "member_expression":
        member = field_of(made, "property")
        made = field_of(made, "object") if member and text_of(member).endswith("Server") else None
    elif value.type == "new_expression" and not text_of(made).endswith("Server"):
        made = None  # new WebSocket() is a client
    return makers.get(text_of(made)) if made is not None else None


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
