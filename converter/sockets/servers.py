"""Find the WebSocket servers of a project and read what they do with each message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
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
from .markup_clients import find_markup_clients
from .model import Analysis, Library, Server
from .scopes import arguments_of
from .unconverted_code import find_unconverted, find_upgrade_listeners

_PACKAGES = {"ws": Library.WS, "socket.io": Library.SOCKET_IO}
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
        analysis.modules.append(module)
        if unparsed := parse_problems(module):
            analysis.problems += unparsed
        else:
            analysis.servers += _servers(module, analysis)
            analysis.problems += _other_servers(module)
            analysis.problems += find_upgrade_listeners(module)
    analysis.problems += find_markup_clients(project, root)
    if not analysis.modules:
        raise ConversionError(f"{path} contains no JavaScript or TypeScript files.")
    analysis.state = ProjectState((module, list(_links(project, module))) for module in analysis.modules)
    names: set[str] = set()
    for server in analysis.servers:
        server.states = list(analysis.state.states_in(server.module.path))
        server.name = unique_name(slug(server.module.path.stem).strip("-") or "server", names)
        read_connection(server)
        server.problems += find_unconverted(server)
    return project, analysis


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


def _servers(module: Module, analysis: Analysis) -> list[Server]:
    """Return the servers that a module creates; report those without a variable."""
    constructors = {
        binding.local: (library, binding.imported)
        for link in module.links
        if (library := _PACKAGES.get(link.specifier or "")) is not None and not link.type_only
        for binding in link.bindings
    }
    servers = []
    for node in module.nodes if any(link.specifier in _PACKAGES for link in module.links) else ():
        if (library := _created_library(node, constructors)) is None:
            continue
        declarator = node.parent
        is_variable = declarator is not None and declarator.type == "variable_declarator"
        name = field_of(declarator, "name") if is_variable else None
        if declarator is None or name is None or name.type != "identifier":
            message = "the server is not assigned to a variable, so its handlers are unknown."
            by_hand = "Assign it to a constant, `const server = …`, and register its handlers on that name."
            analysis.problems.append(module.problem(node, "server", message, by_hand))
            continue
        line = node.start_point.row + 1
        servers.append(Server(library, module, "", line, text_of(name), declarator, _path_option(node)))
    if not servers and not any(problem.file == module.source.name for problem in analysis.problems):
        analysis.problems += _unrecognized(module)
    return servers


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
    """Report the use of socket.io, which only creates servers, in a module without one."""
    used = used_names(module, keep_types=False)
    for link in module.links:
        if link.specifier == "socket.io" and link.kind != LinkKind.EXPORT and not is_elided(link, used):
            message = "socket.io is imported, but no server that is created with it was recognized."
            by_hand = "Create it in this file, `const io = new Server(…)`, and register its handlers there."
            yield module.problem(link.node, "server", message, by_hand)
            return


def _created_library(value: Node, constructors: dict[str, tuple[Library, str]]) -> Library | None:
    """Recognize `new WebSocketServer()`, `new WebSocket.Server()`, `new Server()`, `socketio(server)`."""
    if value.type not in ("new_expression", "call_expression"):
        return None
    is_call, member = value.type == "call_expression", ""
    function = _unwrapped(field_of(value, "function" if is_call else "constructor"))
    if function is not None and function.type == "member_expression":
        member = text_of(field_of(function, "property") or function)
        function = _unwrapped(field_of(function, "object"))
    constructor = _constructor(function, constructors)
    if constructor is None:
        return None
    library, imported = constructor
    # The default export of socket.io is, or was, a server function.
    is_default = library == Library.SOCKET_IO and imported in ("default", "*")
    if is_call:
        return library if is_default and member in ("", "listen") else None
    # `new WebSocket()` is a client; the local name may differ.
    return library if is_default or (member or imported).endswith("Server") else None


def _unwrapped(node: Node | None) -> Node | None:
    while node is not None and node.type == "parenthesized_expression":
        node = node.named_children[0]
    return node


def _constructor(
    function: Node | None, constructors: dict[str, tuple[Library, str]]
) -> tuple[Library, str] | None:
    """Return the library and the export that a name or `require("socket.io")` refers to."""
    if function is None or function.type != "call_expression":
        return constructors.get(text_of(function)) if function is not None else None
    arguments = arguments_of(function)
    if text_of(field_of(function, "function") or function) != "require" or not arguments:
        return None
    library = _PACKAGES.get(string_value(arguments[0]) or "")
    return (library, "*") if library is not None else None


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
