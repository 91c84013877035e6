"""Find the WebSocket servers of a project and read what they do with each message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tree_sitter import Node

from converter.javascript.literals import NotLiteral, value_of
from converter.javascript.modules import Link, LinkKind, Module, read_module
from converter.javascript.project_state import ProjectState
from converter.javascript.syntax import SUFFIXES, field_of, string_value, text_of
from converter.problems import ConversionError, Problem, Severity
from converter.routes.layout import HEADER, slug, unique_name
from converter.routes.module_checks import parse_problems
from converter.routes.project import Project, files_below, open_project
from converter.routes.resolver import UnresolvedImport, resolve
from converter.routes.rewriter import is_elided, used_names

from .connections import read_connection
from .creations import Creation, creations_in, name_for, with_names
from .markup_clients import find_markup_clients
from .model import Analysis, Server
from .openings import openings_in
from .pages import LIBRARY_TAG, pages_of
from .scopes import arguments_of
from .unconverted_code import find_unconverted, find_upgrade_listeners, find_uses_elsewhere

UNNAMED = "unnamed_server"
# Other packages that create servers, most of them with one of these.
_OTHER_PACKAGES = (
    *(
        "@fastify/websocket",
        "fastify-websocket",
        "fastify-socket.io",
        "express-ws",
        "koa-websocket",
        "koa-easy-ws",
    ),
    *("@nestjs/websockets", "@hono/node-ws", "uWebSockets.js", "websocket", "faye-websocket", "sockjs"),
    *("engine.io", "nodejs-websocket", "crossws", "primus"),
)


def analyse(path: Path) -> tuple[Project, Analysis]:
    """Read every module below a directory; raises ConversionError if there is none."""
    project = open_project(path)
    analysis = Analysis(project.root)
    root = path.resolve()
    for file in files_below(root, SUFFIXES):
        if not file.is_file() or not file.resolve().is_relative_to(root):
            analysis.problems.append(_link_problem(project, file))
            continue
        module = read_module(file, project.name(file), esm_by_default=project.is_module)
        if module.source.text.startswith(HEADER.encode()):
            continue
        unparsed = parse_problems(module)
        module, labels = (module, {}) if unparsed else with_names(module)
        analysis.modules.append(module)
        if unparsed:
            analysis.problems += unparsed
        else:
            analysis.servers += _servers(module, analysis, labels)
            analysis.problems += _other_servers(module)
            analysis.problems += find_upgrade_listeners(module)
    _add_pages(project, root, analysis)
    if not analysis.modules:
        raise ConversionError(f"{path} contains no JavaScript or TypeScript files.")
    analysis.state = ProjectState((module, list(_links(project, module))) for module in analysis.modules)
    names: set[str] = set()
    for server in analysis.servers:
        server.states = list(analysis.state.states_in(server.module.path))
        server.name = unique_name(slug(server.module.path.stem).strip("-") or "server", names)
        read_connection(server)
        server.problems += find_unconverted(server)
        server.problems += find_uses_elsewhere(server, analysis.state)
        _use_label(server)
    return project, analysis


def _add_pages(project: Project, root: Path, analysis: Analysis) -> None:
    """Add the pages whose scripts open connections, or load the client for scripts that do; report others."""
    is_opened = any(True for module in analysis.modules for _ in openings_in(module))
    for page in pages_of(project, root):
        opens = any(True for _ in openings_in(page.module))
        if opens:
            analysis.modules.append(page.module)
        if opens or (is_opened and LIBRARY_TAG.search(page.text)):
            analysis.pages[page.module.path] = page
    analysis.problems += find_markup_clients(project, root, set(analysis.pages))


def _use_label(server: Server) -> None:
    """Name a server in its problems as the code does."""
    for problems in (server.problems, *(handler.problems for handler in server.handlers)):
        problems[:] = [
            replace(problem, message=problem.message.replace(server.variable, server.label))
            for problem in problems
        ]


def _links(project: Project, module: Module) -> Iterator[tuple[Link, Path]]:
    """Yield the links of a module that lead to files of the project."""
    for link in module.links:
        with suppress(UnresolvedImport):
            if link.specifier and (path := resolve(project, module.path, link.specifier)) is not None:
                yield link, path


def _link_problem(project: Project, file: Path) -> Problem:
    """Report a link that must not be followed: its target is not to be changed."""
    message = "the link is broken or leads out of the directory."
    by_hand = "Migrate the directory it leads to, or remove the link."
    return Problem(project.name(file), 0, 0, Severity.ERROR, "unreadable", message, by_hand)


def _servers(module: Module, analysis: Analysis, labels: dict[str, str]) -> list[Server]:
    """Return the servers that a module creates; report those that nothing holds."""
    servers: dict[str, Server] = {}
    known = len(analysis.problems)
    for creation in creations_in(module):
        name = creation.name
        if name is None and creation.chain == creation.node and not _is_registered(creation.node):
            message = "the server is not assigned to a variable, so its handlers are unknown."
            by_hand = "Assign it to a constant, `const server = …`, and register its handlers on that name."
            analysis.problems.append(module.problem(creation.node, "server", message, by_hand))
            continue
        if name in servers:  # created in one way or another
            servers[name].chain += creation.calls
            servers[name].created.append(creation.node)
            servers[name].options += arguments_of(creation.node)
            continue
        server = _server(module, creation, labels)
        servers[name or f"{UNNAMED} {creation.node.id}"] = server
    if not servers and len(analysis.problems) == known:
        analysis.problems += _unrecognized(module)
    return list(servers.values())


def _server(module: Module, creation: Creation, labels: dict[str, str]) -> Server:
    node = creation.node
    variable = name_for(creation.name) if creation.name else UNNAMED
    holder, line = creation.holder or creation.chain, node.start_point.row + 1
    server = Server(creation.library, module, "", line, variable, holder, _path_option(node))
    server.label = labels.get(variable, variable) if creation.name else "the server"
    server.chain, server.created, server.options = list(creation.calls), [node], arguments_of(node)
    return server


def _is_registered(node: Node) -> bool:
    """Return whether `.sockets` of a server is used at once."""
    name = field_of(node.parent, "property")
    return name is not None and text_of(name) == "sockets"


def _other_servers(module: Module) -> Iterator[Problem]:
    """Report the import of a package that creates WebSocket servers in a way of its own."""
    for link in module.links:
        if link.specifier in _OTHER_PACKAGES and not link.type_only:
            message = f"servers of {link.specifier} are not converted."
            by_hand = (
                "Create the server with ws or socket.io in a file of its own, or write the functions by hand."
            )
            yield module.problem(link.node, "server", message, by_hand)


def _unrecognized(module: Module) -> Iterator[Problem]:
    """Report the use of a package that creates servers in a module without one."""
    used = used_names(module, keep_types=False)
    for link in module.links:
        if link.kind == LinkKind.EXPORT or is_elided(link, used):
            continue
        creates = any(binding.imported.endswith("Server") for binding in link.bindings)
        if link.specifier == "socket.io" or (link.specifier == "ws" and creates):
            message = f"{link.specifier} is imported, but no server that is created with it was recognized."
            by_hand = "Create it in this file, `const io = new Server(…)`, and register its handlers there."
            yield module.problem(link.node, "server", message, by_hand)
            return


def _path_option(value: Node) -> str | None:
    for argument in arguments_of(value):
        for pair in argument.named_children if argument.type == "object" else ():
            key, path = field_of(pair, "key"), field_of(pair, "value")
            if key is None or path is None or text_of(key) != "path":
                continue
            try:
                literal = value_of(path)
            except NotLiteral:
                return string_value(path)
            return literal if isinstance(literal, str) else None
    return None
