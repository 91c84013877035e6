"""Convert the API routes of a project; `output.write` writes the result."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from converter.javascript.modules import Module
from converter.problems import ConversionError, Problem, Severity

from .compatibility import SET_BY_ADAPTER
from .emitter import adapter_files, function_of, name_functions, package_json, toml_of
from .graph import Graph
from .model import Conversion, Options, Route
from .module_state import add_state_problems
from .output import PACKAGE, TOML
from .project import RouteFile, Style, open_project, routes_in
from .project_checks import project_problems
from .resolver import clear_cache
from .route_settings import methods_of, settings_of


def convert(path: Path, options: Options) -> Conversion:
    """Convert every API route at or below a path, without writing anything. Raises ConversionError."""
    clear_cache()
    project = open_project(path)
    files = routes_in(project, path)
    if not files and not project.problems:
        raise ConversionError(
            f"{path} has no API routes. Searched: pages/api, src/pages/api, and files named route.js or "
            "route.ts in app and src/app."
        )
    graph = Graph(project, keep_types=options.typescript, classic=not options.v2)
    conversion = Conversion(project.root, options)
    conversion.routes = [_route(graph, file) for file in files]
    add_state_problems(graph, conversion.routes)
    _report_duplicates(conversion.routes)
    _protect(conversion.routes, options)
    name_functions(conversion.routes)
    problems = {problem for route in conversion.routes for problem in route.problems}
    conversion.problems = sorted({*project.problems, *project_problems(project), *problems})
    _emit(conversion, graph, files)
    return conversion


def _route(graph: Graph, file: RouteFile) -> Route:
    units = graph.reachable_units(file.path)
    module = graph.module(file.path)
    config, problems = settings_of(module, file.style)
    route = Route(graph.project.name(file.path), file.pattern, file.style, config=config)
    route.methods = methods_of(module, file.style)
    route.environment = {name for unit in units for name in unit.environment} - SET_BY_ADAPTER
    route.packages = {name for unit in units for name in unit.packages}
    route.modules = [unit.path for unit in units]
    route.problems = [*problems, *_handler_problems(route, module)]
    for unit in units:
        route.problems += unit.problems
    return route


def _handler_problems(route: Route, module: Module) -> Iterator[Problem]:
    if module.source.root.has_error or module.reexports_all:
        return
    if route.style == Style.PAGES and "default" not in module.exports:
        by_hand = "Export the function (req, res) as default."
        message = "no handler: the file has no default export."
        yield Problem(route.file, 1, 1, Severity.ERROR, "no-handler", message, by_hand)
    if route.style == Style.APP and not route.methods and (module.is_esm or "default" not in module.exports):
        by_hand = "Export a function named GET, POST or another method."
        message = "no handler: the file exports no HTTP method."
        yield Problem(route.file, 1, 1, Severity.ERROR, "no-handler", message, by_hand)


def _report_duplicates(routes: list[Route]) -> None:
    """Report files that handle the same URLs, as Next does."""
    first: dict[object, Route] = {}
    for route in routes:
        other = first.setdefault(route.url.shape, route)
        if other is not route:
            message = f"{other.file} handles the same URLs."
            by_hand = "Remove or rename one of the two files."
            route.problems.append(Problem(route.file, 0, 0, Severity.ERROR, "double", message, by_hand))


def _protect(routes: list[Route], options: Options) -> None:
    """Mark the routes that require sign-in; raises ConversionError for a pattern that matches none."""
    for pattern in options.supabase:
        # `[id]` is a segment name, not a character class.
        matched = [r for r in routes if fnmatchcase(str(r.url), pattern.replace("[", "[[]"))]
        if not matched:
            raise ConversionError(
                f"--supabase {pattern} matches no route, so it would protect nothing. Nothing was written: "
                "write URLs as the report shows them, with * for any characters."
            )
        for route in matched:
            route.protected = True


def _emit(conversion: Conversion, graph: Graph, files: list[RouteFile]) -> None:
    options, output = conversion.options, conversion.files
    converted = [route for route in conversion.routes if route.converted]
    for index, (route, file) in enumerate(zip(conversion.routes, files, strict=True)):
        if route.protected:
            route.environment |= {"SUPABASE_URL", "SUPABASE_ANON_KEY"}
        if route.converted:
            earlier = [other.url for other in conversion.routes[:index]]
            output |= function_of(route, graph.units[file.path].out, options, earlier)
    for path in dict.fromkeys(path for route in converted for path in route.modules):
        unit = graph.units[path]
        output[unit.out] = unit.text
    if converted:
        output |= adapter_files(options)
        output[TOML] = toml_of(conversion.routes, options)
        packages = {name for route in converted for name in route.packages}
        output[PACKAGE] = package_json(packages, graph.project.dependencies, typescript=options.typescript)
