"""Convert the API routes at a path: `convert` reads and understands, `write` puts the files down."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from converter.problems import ConversionError, Problem, Severity

from .compatibility import SET_BY_ADAPTER
from .emitter import adapter_files, function_of, name_functions, package_of, toml_of
from .graph import Graph, Unit
from .model import Conversion, Options, Route
from .module_checks import streaming_problems
from .output import PACKAGE, TOML
from .project import RouteFile, Style, open_project, routes_in
from .project_checks import project_problems
from .resolver import clear_cache
from .route_settings import methods_of, settings_of


def convert(path: Path, options: Options) -> Conversion:
    """Convert every API route at or below a path; nothing is written. Raises ConversionError."""
    clear_cache()
    project = open_project(path)
    files = routes_in(project, path)
    if not files and not project.problems:
        raise ConversionError(
            f"{path} has no API routes. They are looked for in pages/api, src/pages/api, and in files named "
            "route.js or route.ts below app and src/app."
        )
    graph = Graph(project, keep_types=options.typescript)
    conversion = Conversion(project.root, options)
    conversion.routes = [_route(graph, file, options) for file in files]
    _refuse_doubles(conversion.routes)
    _protect(conversion.routes, options)
    name_functions(conversion.routes)
    around = [*project.problems, *project_problems(project)]
    every = {problem for route in conversion.routes for problem in route.problems}
    conversion.problems = sorted({*around, *every})
    _emit(conversion, graph, files)
    return conversion


def _route(graph: Graph, file: RouteFile, options: Options) -> Route:
    units = graph.reachable_units(file.path)
    module = graph.module(file.path)
    config, problems = settings_of(module, file.style)
    route = Route(graph.project.name(file.path), file.pattern, file.style, config=config)
    route.methods = methods_of(module, file.style)
    route.environment = {name for unit in units for name in unit.environment} - SET_BY_ADAPTER
    route.packages = {name for unit in units for name in unit.packages}
    route.modules = [unit.path for unit in units]
    route.problems = [*problems, *_nothing_exported(route, units[0]), *(p for u in units for p in u.problems)]
    if not options.v2:
        route.problems += [p for unit in units if unit.module for p in streaming_problems(unit.module)]
    return route


def _nothing_exported(route: Route, unit: Unit) -> Iterable[Problem]:
    module = unit.module
    if module is None or module.source.root.has_error or module.reexports_all:
        return
    if route.style == Style.PAGES and "default" not in module.exports:
        by_hand = "Export the function (req, res) by default."
        message = "no handler: the file has no default export."
        yield Problem(route.file, 1, 1, Severity.ERROR, "no-handler", message, by_hand)
    if route.style == Style.APP and not route.methods and (module.is_esm or "default" not in module.exports):
        by_hand = "Export a function named GET, POST or another method."
        message = "no handler: the file exports no method."
        yield Problem(route.file, 1, 1, Severity.ERROR, "no-handler", message, by_hand)


def _refuse_doubles(routes: list[Route]) -> None:
    """Two files must not answer the same addresses; Next refuses it as well."""
    first: dict[object, Route] = {}
    for route in routes:
        other = first.setdefault(route.url.shape, route)
        if other is not route:
            message = f"{other.file} answers the same addresses."
            by_hand = "Remove or rename one of them."
            route.problems.append(Problem(route.file, 0, 0, Severity.ERROR, "double", message, by_hand))


def _protect(routes: list[Route], options: Options) -> None:
    """Mark what only signed-in people may ask; raises ConversionError for a pattern that marks nothing."""
    for pattern in options.supabase:
        # `[id]` is the name of a segment, and no choice of letters.
        matched = [r for r in routes if fnmatchcase(str(r.url), pattern.replace("[", "[[]"))]
        if not matched:
            raise ConversionError(
                f"--supabase {pattern} is the address of no route, so it would protect nothing. Nothing was "
                "written: name addresses as the report does, with * for any letters."
            )
        for route in matched:
            route.protected = True


def _emit(conversion: Conversion, graph: Graph, files: list[RouteFile]) -> None:
    options = conversion.options
    good = [route for route in conversion.routes if route.converted]
    made = conversion.files
    for index, (route, file) in enumerate(zip(conversion.routes, files, strict=True)):
        if route.protected:
            route.environment |= {"SUPABASE_URL", "SUPABASE_ANON_KEY"}
        if route.converted:
            before = [other.url for other in conversion.routes[:index]]
            made |= function_of(route, graph.units[file.path].out, options, before)
    for path in dict.fromkeys(path for route in good for path in route.modules):
        unit = graph.units[path]
        made[unit.out] = unit.text
    if good:
        made |= adapter_files(options)
        made[TOML] = toml_of(conversion.routes, options)
        made[PACKAGE] = package_of(good, graph.project.dependencies, options)
