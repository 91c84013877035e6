"""Write the functions that a server's handlers become."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path, PurePosixPath

from converter.javascript.modules import Module
from converter.problems import Problem, Severity
from converter.routes.emitter import package_of
from converter.routes.graph import Graph
from converter.routes.layout import FUNCTIONS, header, specifier
from converter.routes.model import Options, Route
from converter.routes.output import PACKAGE
from converter.routes.patterns import Pattern
from converter.routes.project import Project, Style

from .handler_analysis import KEEP_ELSEWHERE
from .handler_modules import path_of, source_for
from .model import Analysis, Handler, Server
from .scopes import is_state

RUNTIME = PurePosixPath("netlify/sockets")
_SOURCES = Path(__file__).parent / "runtime"
# Its LISTEN wakes those who wait: Netlify Blobs would have to be asked again and again.
STORE = {"postgres": "3.4.7"}
STORE_ADDRESS = "SOCKET_DATABASE_URL"


def generate(project: Project, found: Analysis) -> dict[PurePosixPath, str]:
    """Return the generated files; what a handler's modules are refused for is added to its problems."""
    graph = Graph(project, keep_types=False)
    files: dict[PurePosixPath, str] = {}
    environment, packages = set[str](), set[str]()
    for server in found.servers:
        for handler in server.handlers:
            if handler.event != "connection":
                files |= _message(graph, server, handler, environment, packages)
        if server.has_channel:
            files |= _channel(graph, server, environment, packages)
    if files:
        files |= _runtime()
        route = Route("", Pattern(()), Style.APP, packages=packages | set(STORE))
        files[PACKAGE] = package_of([route], {**STORE, **project.dependencies}, Options())
    return files


def environment_of(project: Project, found: Analysis) -> list[str]:
    """Return the names of the environment variables that the handlers read."""
    graph = Graph(project, keep_types=False)
    names = {STORE_ADDRESS} if any(server.has_channel for server in found.servers) else set[str]()
    for server in found.servers:
        for handler in server.handlers:
            if handler.certain:
                _module(graph, server, handler, names, set())
    return sorted(names)


def _message(
    graph: Graph, server: Server, handler: Handler, environment: set[str], packages: set[str]
) -> dict[PurePosixPath, str]:
    if not handler.certain:
        return {}
    units = _module(graph, server, handler, environment, packages)
    if not units:
        return {}
    name = f"{server.name}-{_word(handler.event)}"
    facts = {
        "library": str(server.library),
        "channel": server.name,
        "event": handler.event,
        "takes": handler.takes,
    }
    place = FUNCTIONS / f"{name}.mjs"
    url = f"{server.url}/{_word(handler.event)}"
    out = next(iter(units))
    load = f"() => import({json.dumps(specifier(place, out))})"
    text = header(f"POST {url}", f"{server.file}:{handler.line}")
    text += _function("message", f"{load}, {json.dumps(facts)}", url)
    return {place: text, **units}


def _channel(
    graph: Graph, server: Server, environment: set[str], packages: set[str]
) -> dict[PurePosixPath, str]:
    greeting = next((h for h in server.handlers if h.event == "connection" and h.certain), None)
    units = _module(graph, server, greeting, environment, packages) if greeting else {}
    place = FUNCTIONS / f"{server.name}.mjs"
    out = next(iter(units), None)
    load = f"() => import({json.dumps(specifier(place, out))})" if out else "null"
    facts = json.dumps({"library": str(server.library), "channel": server.name})
    text = header(f"GET {server.url} (server-sent events)", server.file)
    return {place: text + _function("channel", f"{load}, {facts}", server.url), **units}


def _function(kind: str, arguments: str, url: str) -> str:
    runtime = json.dumps(f"../sockets/{kind}.cjs")
    return (
        f"import {{ {kind} }} from {runtime};\n\nexport default {kind}({arguments});\n"
        f"\nexport const config = {json.dumps({'path': url})};\n"
    )


def _module(
    graph: Graph, server: Server, handler: Handler, environment: set[str], packages: set[str]
) -> dict[PurePosixPath, str]:
    """Convert a handler's module and what it imports; nothing when something of it is refused."""
    path = path_of(server, handler)
    graph.virtual_sources[path] = source_for(server, handler).encode()
    units = graph.reachable_units(path)
    refused = [p for unit in units for p in unit.problems if p.severity == Severity.ERROR]
    own = graph.project.name(path)
    known = set(handler.problems)
    placed = [
        replace(p, file=server.file, line=handler.line, column=1) if p.file == own else p for p in refused
    ]
    state = [p for unit in units if unit.module and unit.path != path for p in _state_in(unit.module)]
    handler.problems += [problem for problem in (*placed, *state) if problem not in known]
    if refused:
        return {}
    environment |= {name for unit in units for name in unit.environment}
    packages |= {name for unit in units for name in unit.packages}
    return {unit.out: unit.text for unit in units}


def _state_in(module: Module) -> Iterator[Problem]:
    """Warn of what another file keeps: as a cache it does no harm, but it is not the same for all."""
    for statement in module.source.root.named_children:
        if is_state(statement):
            message = (
                "what is kept here is lost between two calls of a function, and each instance has its own."
            )
            yield module.problem(statement, "module-state", message, KEEP_ELSEWHERE, Severity.WARNING)


def _word(event: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in event)


@cache
def _runtime() -> dict[PurePosixPath, str]:
    return {RUNTIME / file.name: file.read_text("utf-8") for file in sorted(_SOURCES.glob("*.cjs"))}
