"""The modules that routes are made of: read once, converted once, whoever imports them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from converter.javascript.modules import Link, Module, read_module
from converter.problems import Problem, Severity

from .layout import ADAPTER, header, place_of, specifier, suffix_of
from .linker import Target, dependency_warning, target_of
from .module_checks import parse_problems, problems_of
from .project import Project
from .rewriter import ResolvedLink, is_elided, rewrite, used_names


@dataclass
class Unit:
    """A converted module, or a JSON file that became one."""

    path: Path
    out: PurePosixPath
    text: str = ""
    module: Module | None = None
    imports: list[Path] = field(default_factory=list)
    packages: set[str] = field(default_factory=set)
    environment: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


class Graph:
    """All modules of a conversion."""

    def __init__(self, project: Project, *, keep_types: bool) -> None:
        self.project = project
        self.units: dict[Path, Unit] = {}
        # Modules that are not on disk: made of parts of others.
        self.virtual_sources: dict[Path, bytes] = {}
        self._keep_types = keep_types
        self._modules: dict[Path, Module] = {}
        self._places: dict[PurePosixPath, Path] = {}

    def reachable_units(self, path: Path) -> list[Unit]:
        """Return the unit of a file, and those of all that it imports, each once."""
        found: dict[Path, Unit] = {}
        waiting = [path]
        while waiting:
            if (next_path := waiting.pop()) not in found:
                found[next_path] = self._unit(next_path)
                waiting.extend(reversed(found[next_path].imports))
        return list(found.values())

    def module(self, path: Path) -> Module:
        if path not in self._modules:
            name, default = self.project.name(path), self.project.is_module
            self._modules[path] = read_module(
                path, name, esm_by_default=default, text=self.virtual_sources.get(path)
            )
        return self._modules[path]

    def _unit(self, path: Path) -> Unit:
        if path not in self.units:
            self.units[path] = self._json(path) if path.suffix == ".json" else self._convert(path)
        return self.units[path]

    def _out(self, path: Path) -> PurePosixPath:
        if path.suffix == ".json":
            suffix = ".cjs"
        else:
            suffix = suffix_of(self.module(path), typescript=self._keep_types)
        out = place_of(self.project, path, suffix)
        if self._places.setdefault(out, path) != path:
            mark = hashlib.sha256(self.project.name(path).encode()).hexdigest()[:6]
            out = out.with_name(f"{mark}-{out.name}")
            self._places[out] = path
        return out

    def _json(self, path: Path) -> Unit:
        unit, name = Unit(path, self._out(path)), self.project.name(path)
        try:
            value = json.dumps(json.loads(path.read_text("utf-8")), ensure_ascii=False, indent=2)
        except (ValueError, RecursionError) as error:
            message, by_hand = f"it is not JSON: {error}", "Correct the file, or what imports it."
            line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
            unit.problems.append(Problem(name, line, column, Severity.ERROR, "json", message, by_hand))
            return unit
        # As an object literal, "__proto__" would mean something else.
        unit.text = f"{header(name)}module.exports = JSON.parse({json.dumps(value)});\n"
        return unit

    def _convert(self, path: Path) -> Unit:
        module = self.module(path)
        unit = Unit(path, self._out(path), module=module, environment=module.environment)
        unit.problems = problems_of(module)
        if parse_problems(module):
            return unit
        used = used_names(module, keep_types=self._keep_types)
        resolved = [
            made
            for link in module.links
            if not is_elided(link, used) and (made := self._resolve(unit, module, link, used)) is not None
        ]
        unit.text, problems = rewrite(module, resolved, keep_types=self._keep_types, name=unit.out)
        unit.problems += problems
        return unit

    def _resolve(self, unit: Unit, module: Module, link: Link, used: set[str] | None) -> ResolvedLink | None:
        target = target_of(self.project, module, link, used)
        if isinstance(target, Problem):
            unit.problems.append(target)
            return None
        written = link.specifier or ""
        if target.dropped:
            return ResolvedLink(link, written, dropped=True)
        if target.adapter:
            return ResolvedLink(link, specifier(unit.out, ADAPTER / f"{target.adapter}.cjs"), adapter=True)
        if target.file is None:
            return self._package(unit, module, link, target)
        unit.imports.append(target.file)
        out = self._out(target.file)
        return ResolvedLink(link, specifier(unit.out, out), commonjs=out.suffix in (".cjs", ".cts"))

    def _package(self, unit: Unit, module: Module, link: Link, target: Target) -> ResolvedLink:
        if target.package:
            unit.packages.add(target.package)
            if (warning := dependency_warning(self.project, module, link, target.package)) is not None:
                unit.problems.append(warning)
        return ResolvedLink(link, link.specifier or "")
