"""Generate the functions that replace a server's handlers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path, PurePosixPath

from converter.javascript.modules import Module
from converter.problems import Problem, Severity
from converter.routes.emitter import package_json
from converter.routes.graph import Graph
from converter.routes.layout import FUNCTIONS, header, import_thunk
from converter.routes.output import PACKAGE
from converter.routes.project import Project

from .handler_analysis import KEEP_ELSEWHERE
from .handler_modules import path_of, source_for
from .model import Analysis, Handler, Server

RUNTIME = PurePosixPath("netlify/sockets")
_SOURCES = Path(__file__).parent / "runtime"
# PostgreSQL notifies waiting streams; Netlify Blobs would have to be polled.
STORE = {"postgres": "3.4.7"}
STORE_ADDRESS = "SOCKET_DATABASE_URL"
Files = dict[PurePosixPath, str]


@dataclass
class _Generator:
    """Converts the modules of handlers, and collects what they need."""

    graph: Graph
    analysis: Analysis
    environment: set[str] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)

    def handler_files(self, server: Server, handler: Handler) -> Files:
        """Convert a handler's module and its imports; empty if any of them cannot be converted."""
        path = path_of(server, handler)
        self.graph.virtual_sources[path] = source_for(server, handler).encode()
        units = self.graph.reachable_units(path)
        errors = [p for unit in units for p in unit.problems if p.severity == Severity.ERROR]
        virtual = self.graph.project.name(path)
        for problem in errors:
            if problem.file == virtual:
                problem = replace(problem, file=server.file, line=handler.line, column=1)
            handler.problems.append(problem)
        for unit in units:
            if unit.module and unit.path != path:
                handler.problems += _state_problems(self.analysis, unit.module)
        if errors:
            return {}
        self.environment |= {name for unit in units for name in unit.environment}
        self.packages |= {name for unit in units for name in unit.packages}
        return {unit.out: unit.text for unit in units}

    def message_files(self, server: Server, handler: Handler) -> Files:
        if not handler.convertible or not (files := self.handler_files(server, handler)):
            return {}
        event = server.place_of(handler.event)
        place, url = FUNCTIONS / f"{server.name}-{event}.mjs", f"{server.url}/{event}"
        facts = {
            "library": str(server.library),
            "channel": server.name,
            "event": handler.event,
            "takes": handler.arity,
        }
        arguments = f"{import_thunk(place, next(iter(files)))}, {json.dumps(facts)}"
        head = header(f"POST {url}", f"{server.file}:{handler.line}")
        return {place: head + _function("message", arguments, url), **files}

    def channel_files(self, server: Server) -> Files:
        greeting = next((h for h in server.handlers if h.event == "connection" and h.convertible), None)
        files = self.handler_files(server, greeting) if greeting else {}
        place = FUNCTIONS / f"{server.name}.mjs"
        load = import_thunk(place, next(iter(files))) if files else "null"
        facts = json.dumps({"library": str(server.library), "channel": server.name})
        head = header(f"GET {server.url} (server-sent events)", server.file)
        return {place: head + _function("channel", f"{load}, {facts}", server.url), **files}


def generate(project: Project, analysis: Analysis) -> tuple[Files, list[str]]:
    """Return the generated files and the names of the environment variables that they read.

    Problems of the handlers' modules are added to the handlers.
    """
    generator = _Generator(Graph(project, keep_types=False), analysis)
    files: Files = {}
    for server in analysis.servers:
        for handler in server.handlers:
            if handler.event != "connection":
                files |= generator.message_files(server, handler)
        if server.has_channel:
            files |= generator.channel_files(server)
            generator.environment.add(STORE_ADDRESS)
    if files:
        files |= _runtime()
        versions = {**STORE, **project.dependencies}
        files[PACKAGE] = package_json(generator.packages | set(STORE), versions)
    return files, sorted(generator.environment)


def _function(kind: str, arguments: str, url: str) -> str:
    return (
        f'import {{ {kind} }} from "../sockets/{kind}.cjs";\n\nexport default {kind}({arguments});\n'
        f"\nexport const config = {json.dumps({'path': url})};\n"
    )


def _state_problems(analysis: Analysis, module: Module) -> Iterator[Problem]:
    """Warn about mutable state in an imported module, which is harmless only as a cache."""
    if module.path not in analysis.state.readings:
        return
    for state in analysis.state.states_in(module.path):
        message = "this state is lost between two calls of a function, and each instance has its own."
        yield module.problem(state.node, "module-state", message, KEEP_ELSEWHERE, Severity.WARNING)


@cache
def _runtime() -> Files:
    return {RUNTIME / file.name: file.read_text("utf-8") for file in sorted(_SOURCES.glob("*.cjs"))}
