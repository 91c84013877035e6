"""The model of a route and of a whole conversion."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from converter.problems import Problem, has_errors

from .patterns import Pattern
from .project import Style

HTTP_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True)
class Options:
    """Conversion options; `supabase` holds patterns of the URLs that require a Supabase user."""

    typescript: bool = False
    v2: bool = False
    cors: tuple[str, ...] = ()
    supabase: tuple[str, ...] = ()


@dataclass
class Route:
    """One API route: its URL and methods, and what its function needs."""

    file: str
    url: Pattern
    style: Style
    name: str = ""
    methods: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    environment: set[str] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)
    modules: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    protected: bool = False  # requires a user of the Supabase project

    @property
    def converted(self) -> bool:
        return not has_errors(self.problems)

    def as_dict(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "url": str(self.url),
            "style": str(self.style),
            "function": self.name if self.converted else None,
            "methods": self.methods,
            "config": self.config,
            "environment": sorted(self.environment),
            "packages": sorted(self.packages),
            "converted": self.converted,
            "protected": self.protected,
        }


@dataclass
class Conversion:
    """The result: routes, the text of every generated file, and diagnostics."""

    root: Path
    options: Options
    routes: list[Route] = field(default_factory=list)
    files: dict[PurePosixPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every route was converted."""
        return bool(self.routes) and not has_errors(self.problems)

    def as_dict(self) -> dict[str, Any]:
        return {
            "success": self.complete,
            "root": str(self.root),
            "routes": [route.as_dict() for route in self.routes],
            "files": [str(path) for path in self.files],
            "problems": [problem.as_dict() for problem in self.problems],
        }
