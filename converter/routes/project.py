"""A Next.js project on disk: its root, configuration and route files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from converter.javascript.literals import NotLiteral, json_with_comments
from converter.problems import ConversionError, Problem, Severity

from .patterns import Pattern, Segment, parse_segment

CONFIG_FILES = tuple(f"next.config{suffix}" for suffix in (".js", ".mjs", ".ts", ".cjs"))
PROJECT_FILES = (*CONFIG_FILES, "package.json", "tsconfig.json", "jsconfig.json")
ROUTERS = ("pages", "app", "src/pages", "src/app")
IGNORED_DIRECTORIES = frozenset({"node_modules", ".next", ".git", ".netlify"})
ROUTE_SUFFIXES = frozenset({".js", ".jsx", ".ts", ".tsx"})


class Style(StrEnum):
    PAGES = "pages"  # pages/api: (req, res)
    APP = "app"  # app/**/route: (request, {params})


@dataclass(frozen=True)
class RouteFile:
    """A file that Next serves as an API route."""

    path: Path
    style: Style
    pattern: Pattern


@dataclass
class Project:
    """A project's configuration; `aliases` pairs each pattern with its targets, longest prefix first."""

    root: Path
    aliases: list[tuple[str, list[Path]]] = field(default_factory=list)
    base_url: Path | None = None
    dependencies: dict[str, str] = field(default_factory=dict)
    is_module: bool = False
    problems: list[Problem] = field(default_factory=list)

    def name(self, path: Path) -> str:
        """Return the path relative to the project, for reports."""
        name = path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)
        return name.encode("utf-8", "backslashreplace").decode("utf-8")  # names need not be valid UTF-8


def open_project(path: Path) -> Project:
    """Find the project that contains a path and read its configuration; raises ConversionError."""
    path = path.resolve()
    if not path.exists():
        raise ConversionError(f"{path} does not exist.")
    project = Project(_root(path))
    _read_package(project)
    for name in ("tsconfig.json", "jsconfig.json"):
        if (file := project.root / name).is_file():
            _read_aliases(project, file)
            break
    return project


def _root(path: Path) -> Path:
    """Return the nearest directory with routes, or else with a configuration file."""
    candidates = [path, *path.parents] if path.is_dir() else list(path.parents)
    for directory in candidates:
        if any((directory / router).is_dir() for router in ROUTERS) and directory.name != "src":
            return directory
    for directory in candidates:
        if any((directory / name).is_file() for name in PROJECT_FILES):
            return directory
    return candidates[0]


def _read_package(project: Project) -> None:
    file = project.root / "package.json"
    if not file.is_file():
        return
    try:
        package = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConversionError(f"{file} is not valid JSON: {error}") from error
    if not isinstance(package, dict):
        raise ConversionError(f"{file} is not a JSON object.")
    project.is_module = package.get("type") == "module"
    for part in ("devDependencies", "peerDependencies", "dependencies"):
        if not isinstance(versions := package.get(part) or {}, dict):
            raise ConversionError(f"{file}: {part} is not an object of package names and versions.")
        project.dependencies |= versions


def _read_aliases(project: Project, file: Path) -> None:
    try:
        _set_aliases(project, file)
    except (AttributeError, TypeError, ValueError) as error:
        message = f"{file.name} or a file it extends is malformed, so path aliases are unknown: {error}"
        by_hand = 'Make "paths" an object of lists, and "baseUrl" and "extends" strings.'
        project.problems.append(
            Problem(project.name(file), 0, 0, Severity.ERROR, "tsconfig", message, by_hand)
        )


def _set_aliases(project: Project, file: Path) -> None:
    options, directory = _compiler_options(project, file, set())
    base = options.get("baseUrl")
    project.base_url = (directory["baseUrl"] / base).resolve() if base else None
    start = project.base_url or directory.get("paths", file.parent)
    for pattern, targets in (options.get("paths") or {}).items():
        project.aliases.append((pattern, [start / target for target in targets]))
    # As in the TypeScript compiler.
    project.aliases.sort(key=lambda alias: -len(alias[0].split("*")[0]))


def _compiler_options(
    project: Project, file: Path, seen: set[Path]
) -> tuple[dict[str, Any], dict[str, Path]]:
    """Return the options, including inherited ones, and the directory that each is relative to."""
    seen.add(file)
    try:
        document = json_with_comments(file.name, file.read_bytes())
    except (NotLiteral, OSError) as error:
        message = f"{file.name} cannot be read, so its path aliases are unknown: {error}"
        project.problems.append(Problem(project.name(file), 0, 0, Severity.ERROR, "tsconfig", message))
        return {}, {}
    options: dict[str, Any] = {}
    places: dict[str, Path] = {}
    extended = document.get("extends") or []
    for parent in [extended] if isinstance(extended, str) else extended:
        base = (file.parent / parent).resolve()
        base = base if base.suffix == ".json" else base.with_name(f"{base.name}.json")
        if not parent.startswith("."):
            message = f'"extends": "{parent}" is a package, so its path aliases are not read.'
            project.problems.append(Problem(project.name(file), 0, 0, Severity.WARNING, "tsconfig", message))
        elif base not in seen:
            inherited, inherited_places = _compiler_options(project, base, seen)
            options |= inherited
            places |= inherited_places
    own = document.get("compilerOptions") or {}
    return options | own, places | dict.fromkeys(own, file.parent.resolve())


def routes_in(project: Project, path: Path) -> list[RouteFile]:
    """Return the routes at or below a path, in Next's order of precedence."""
    path = path.resolve()
    routes = [
        *_pages_routes(project, _router_directory(project, "pages")),
        *_app_routes(project, _router_directory(project, "app")),
    ]
    below = [route for route in routes if route.path.is_relative_to(path)]
    return sorted(below, key=lambda route: (route.pattern.order, str(route.path)))


def _router_directory(project: Project, name: str) -> Path:
    """Return `pages` or `app`; like Next, look in `src` only if the root has none."""
    directory = project.root / name
    return directory if directory.is_dir() else project.root / "src" / name


def files_below(
    directory: Path, suffixes: frozenset[str], above: frozenset[Path] = frozenset()
) -> Iterator[Path]:
    """Yield the files with these suffixes below a directory, without following links in a circle."""
    real = directory.resolve()
    if real in above or not directory.is_dir():
        return
    for path in sorted(directory.iterdir()):
        if path.is_dir():
            if path.name not in IGNORED_DIRECTORIES:
                yield from files_below(path, suffixes, above | {real})
        elif path.suffix in suffixes and not path.name.endswith(".d.ts"):
            yield path


def _route_sources(project: Project, directory: Path) -> Iterator[Path]:
    for path in files_below(directory, ROUTE_SUFFIXES):
        if path.is_file():
            yield path
        else:
            message, by_hand = "the file cannot be read.", "Repair or remove the link."
            project.problems.append(
                Problem(project.name(path), 0, 0, Severity.ERROR, "unreadable", message, by_hand)
            )


def _pages_routes(project: Project, directory: Path) -> Iterator[RouteFile]:
    index_files = [directory / f"api{suffix}" for suffix in sorted(ROUTE_SUFFIXES)]
    for path in [*_route_sources(project, directory / "api"), *filter(Path.is_file, index_files)]:
        parts = list(path.relative_to(directory).with_suffix("").parts)
        if parts[-1] == "index":
            parts.pop()
        if (pattern := _pattern(project, path, parts)) is not None:
            yield RouteFile(path, Style.PAGES, pattern)


def _app_routes(project: Project, directory: Path) -> Iterator[RouteFile]:
    for path in _route_sources(project, directory):
        parts = path.relative_to(directory).parts[:-1]
        if path.stem != "route" or any(part.startswith("_") for part in parts):
            continue
        visible = [p for p in parts if not (p.startswith("(") and p.endswith(")")) and not p.startswith("@")]
        if (pattern := _pattern(project, path, visible)) is not None:
            yield RouteFile(path, Style.APP, pattern)


def _pattern(project: Project, path: Path, parts: list[str]) -> Pattern | None:
    segments: list[Segment] = []
    for part in parts:
        segment = parse_segment(part.replace("%5F", "_"))
        if segment is None or (segments and segments[-1].is_rest) or part.startswith("("):
            message = f'"{part}" is not a valid URL segment.'
            by_hand = "Rename it, or write the function and its redirect by hand."
            project.problems.append(
                Problem(project.name(path), 0, 0, Severity.ERROR, "segment", message, by_hand)
            )
            return None
        segments.append(segment)
    return Pattern(tuple(segments))
