"""A Next.js project on disk: where it is, its routes, and what its configuration says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from converter.javascript.literals import NotLiteral, json_with_comments
from converter.problems import ConversionError, Problem, Severity

from .patterns import Pattern, Segment, segment

_CONFIGS = tuple(f"next.config{suffix}" for suffix in (".js", ".mjs", ".ts", ".cjs"))
PROJECT_FILES = (*_CONFIGS, "package.json", "tsconfig.json", "jsconfig.json")
ROUTERS = ("pages", "app", "src/pages", "src/app")
IGNORED_DIRECTORIES = frozenset({"node_modules", ".next", ".git", ".netlify"})
ROUTE_SUFFIXES = frozenset({".js", ".jsx", ".ts", ".tsx"})


class Style(StrEnum):
    PAGES = "pages"  # pages/api: (req, res)
    APP = "app"  # app/**/route: (request, {params})


@dataclass(frozen=True)
class RouteFile:
    """A file that Next takes for an API route."""

    path: Path
    style: Style
    pattern: Pattern


@dataclass
class Project:
    """What the conversion knows of the project; `aliases` hold a pattern and its targets."""

    root: Path
    aliases: list[tuple[str, list[Path]]] = field(default_factory=list)
    base_url: Path | None = None
    dependencies: dict[str, str] = field(default_factory=dict)
    is_module: bool = False
    problems: list[Problem] = field(default_factory=list)

    def name(self, path: Path) -> str:
        """Return a path as people know it: relative to the project."""
        name = path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)
        return name.encode("utf-8", "backslashreplace").decode("utf-8")  # not all names are of letters


def open_project(path: Path) -> Project:
    """Find the project around a path and read its configuration; raises ConversionError."""
    path = path.resolve()
    if not path.exists():
        raise ConversionError(f"{path} does not exist.")
    project = Project(_root(path))
    _read_package(project)
    for name in ("tsconfig.json", "jsconfig.json"):
        if (found := project.root / name).is_file():
            _read_aliases(project, found)
            break
    return project


def _root(path: Path) -> Path:
    """Return the nearest directory that has routes below it, or else marks of a project."""
    around = [path, *path.parents] if path.is_dir() else list(path.parents)
    for directory in around:
        if any((directory / router).is_dir() for router in ROUTERS) and directory.name != "src":
            return directory
    for directory in around:
        if any((directory / mark).is_file() for mark in PROJECT_FILES):
            return directory
    return around[0]


def _read_package(project: Project) -> None:
    file = project.root / "package.json"
    if not file.is_file():
        return
    try:
        package = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConversionError(f"{file} is not JSON: {error}") from error
    if not isinstance(package, dict):
        raise ConversionError(f"{file} holds no object.")
    project.is_module = package.get("type") == "module"
    for part in ("devDependencies", "peerDependencies", "dependencies"):
        if not isinstance(named := package.get(part) or {}, dict):
            raise ConversionError(f"{file}: {part} is no object of names and versions.")
        project.dependencies |= named


def _read_aliases(project: Project, file: Path) -> None:
    try:
        _take_aliases(project, file)
    except (AttributeError, TypeError, ValueError) as error:
        message = (
            f"{file.name} or what it extends is of the wrong shape, so path aliases are unknown: {error}"
        )
        by_hand = 'Write "paths" as an object of lists, and "baseUrl" and "extends" as texts.'
        wrong = Problem(project.name(file), 0, 0, Severity.ERROR, "tsconfig", message, by_hand)
        project.problems.append(wrong)


def _take_aliases(project: Project, file: Path) -> None:
    options, directory = _compiler_options(project, file, set())
    base = options.get("baseUrl")
    project.base_url = (directory["baseUrl"] / base).resolve() if base else None
    start = project.base_url or directory.get("paths", file.parent)
    for pattern, targets in (options.get("paths") or {}).items():
        project.aliases.append((pattern, [start / target for target in targets]))
    # The longest prefix wins, as with the TypeScript compiler.
    project.aliases.sort(key=lambda alias: -len(alias[0].split("*")[0]))


def _compiler_options(
    project: Project, file: Path, seen: set[Path]
) -> tuple[dict[str, Any], dict[str, Path]]:
    """Return the options with what they extend, and for each the directory that it is relative to."""
    seen.add(file)
    try:
        document = json_with_comments(file.name, file.read_bytes())
    except (NotLiteral, OSError) as error:
        message = f"{file.name} can't be read, so its path aliases are unknown: {error}"
        project.problems.append(Problem(project.name(file), 0, 0, Severity.ERROR, "tsconfig", message))
        return {}, {}
    options: dict[str, Any] = {}
    places: dict[str, Path] = {}
    extended = document.get("extends") or []
    for parent in [extended] if isinstance(extended, str) else extended:
        found = (file.parent / parent).resolve()
        found = found if found.suffix == ".json" else found.with_name(f"{found.name}.json")
        if not parent.startswith("."):
            message = f'"extends": "{parent}" is a package; path aliases in it are not read.'
            project.problems.append(Problem(project.name(file), 0, 0, Severity.WARNING, "tsconfig", message))
        elif found not in seen:
            inherited, inherited_places = _compiler_options(project, found, seen)
            options |= inherited
            places |= inherited_places
    own = document.get("compilerOptions") or {}
    return options | own, places | dict.fromkeys(own, file.parent.resolve())


def routes_in(project: Project, path: Path) -> list[RouteFile]:
    """Return the routes at or below a path, in Next's order of precedence."""
    path = path.resolve()
    found = [route for route in _all_routes(project) if route.path.is_relative_to(path)]
    return sorted(found, key=lambda route: (route.pattern.order, str(route.path)))


def _all_routes(project: Project) -> Iterator[RouteFile]:
    """Yield what is in `pages` and `app`; those in `src` count, as with Next, where the root has none."""
    yield from _pages(project, _directory(project, "pages"))
    yield from _app(project, _directory(project, "app"))


def _directory(project: Project, name: str) -> Path:
    return found if (found := project.root / name).is_dir() else project.root / "src" / name


def files_below(
    directory: Path, suffixes: frozenset[str], above: frozenset[Path] = frozenset()
) -> Iterator[Path]:
    """Yield the files with code below a directory; links that lead back to where they are end there."""
    real = directory.resolve()
    if real in above or not directory.is_dir():
        return
    for path in sorted(directory.iterdir()):
        if path.is_dir():
            if path.name not in IGNORED_DIRECTORIES:
                yield from files_below(path, suffixes, above | {real})
        elif path.suffix in suffixes and not path.name.endswith(".d.ts"):
            yield path


def _files(project: Project, directory: Path) -> Iterator[Path]:
    for path in files_below(directory, ROUTE_SUFFIXES):
        if path.is_file():
            yield path
        else:
            message, by_hand = "it is no file that can be read.", "Mend or remove the link."
            wrong = Problem(project.name(path), 0, 0, Severity.ERROR, "unreadable", message, by_hand)
            project.problems.append(wrong)


def _pages(project: Project, directory: Path) -> Iterator[RouteFile]:
    for path in [
        *_files(project, directory / "api"),
        *(directory / f"api{suffix}" for suffix in sorted(ROUTE_SUFFIXES)),
    ]:
        if not path.is_file():
            continue
        parts = list(path.relative_to(directory).with_suffix("").parts)
        if parts[-1] == "index":
            parts.pop()
        if (pattern := _pattern(project, path, parts)) is not None:
            yield RouteFile(path, Style.PAGES, pattern)


def _app(project: Project, directory: Path) -> Iterator[RouteFile]:
    for path in _files(project, directory):
        parts = path.relative_to(directory).parts[:-1]
        if path.stem != "route" or any(part.startswith("_") for part in parts):
            continue
        visible = [p for p in parts if not (p.startswith("(") and p.endswith(")")) and not p.startswith("@")]
        if (pattern := _pattern(project, path, visible)) is not None:
            yield RouteFile(path, Style.APP, pattern)


def _pattern(project: Project, path: Path, parts: list[str]) -> Pattern | None:
    segments: list[Segment] = []
    for part in parts:
        found = segment(part.replace("%5F", "_"))
        if found is None or (segments and segments[-1].is_rest) or part.startswith("("):
            message = f'the name "{part}" is no segment that a URL can be made of.'
            by_hand = "Rename it, or write the function and its redirect by hand."
            problem = Problem(project.name(path), 0, 0, Severity.ERROR, "segment", message, by_hand)
            project.problems.append(problem)
            return None
        segments.append(found)
    return Pattern(tuple(segments))
