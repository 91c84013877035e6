"""The graph of modules that routes import; each is read and converted once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from converter.javascript.modules import Link, Module, read_module
from converter.problems import Problem, Severity

from .classic_checks import classic_problems
from .layout import ADAPTER, header, output_path, specifier, suffix_of
from .linker import Target, dependency_warning, target_of
from .module_checks import parse_problems, problems_of
from .project import Project
from .rewriter import ResolvedLink, is_elided, rewrite, used_names


@dataclass
class Unit:
    """A module converted from a source file or a JSON file."""

    path: Path
    out: PurePosixPath
    text: str = ""
    module: Module | None = None
    imports: list[Path] = field(default_factory=list)
    targets: list[tuple[Link, Path]] = field(default_factory=list)
    packages: set[str] = field(default_factory=set)
    environment: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


class Graph:
    """All modules of a conversion."""

    def __init__(self, project: Project, *, keep_types: bool, classic: bool = False) -> None:
        self.project = project
        self.units: dict[Path, Unit] = {}
        # Sources of modules that are not on disk.
        self.virtual_sources: dict[Path, bytes] = {}
        self._keep_types = keep_types
        self._classic = classic
        self._modules: dict[Path, Module] = {}
        self._outputs: dict[PurePosixPath, Path] = {}

    def reachable_units(self, path: Path) -> list[Unit]:
        """Return the unit of a file and of everything it imports, each once."""
        units: dict[Path, Unit] = {}
        stack = [path]
        while stack:
            if (current := stack.pop()) not in units:
                units[current] = self._unit(current)
                stack.extend(reversed(units[current].imports))
        return list(units.values())

    def module(self, path: Path) -> Module:
        if path not in self._modules:
            name, text = self.project.name(path), self.virtual_sources.get(path)
            self._modules[path] = read_module(path, name, esm_by_default=self.project.is_module, text=text)
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
        out = output_path(self.project, path, suffix)
        if self._outputs.setdefault(out, path) != path:
            digest = hashlib.sha256(self.project.name(path).encode()).hexdigest()[:6]
            out = out.with_name(f"{digest}-{out.name}")
            self._outputs[out] = path
        return out

    def _json(self, path: Path) -> Unit:
        unit, name = Unit(path, self._out(path)), self.project.name(path)
        try:
            value = json.dumps(json.loads(path.read_text("utf-8")), ensure_ascii=False, indent=2)
        except (ValueError, RecursionError) as error:
            message, by_hand = f"not valid JSON: {error}", "Correct the file, or remove the import."
            line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
            unit.problems.append(Problem(name, line, column, Severity.ERROR, "json", message, by_hand))
            return unit
        # In an object literal, "__proto__" would set the prototype.
        unit.text = f"{header(name)}module.exports = JSON.parse({json.dumps(value)});\n"
        return unit

    def _convert(self, path: Path) -> Unit:
        module = self.module(path)
        unit = Unit(path, self._out(path), module=module, environment=module.environment)
        unit.problems = problems_of(module)
        if parse_problems(module):
            return unit
        if self._classic:
            unit.problems += classic_problems(module, is_commonjs=not self._keep_types)
        used = used_names(module, keep_types=self._keep_types)
        kept = [link for link in module.links if not is_elided(link, used)]
        resolved = [self._resolve(unit, module, link, used) for link in kept]
        links = [link for link in resolved if link is not None]
        unit.text, problems = rewrite(module, links, keep_types=self._keep_types)
        unit.problems += problems
        return unit

    def _resolve(self, unit: Unit, module: Module, link: Link, used: set[str] | None) -> ResolvedLink | None:
        target = target_of(self.project, module, link, used)
        if isinstance(target, Problem):
            unit.problems.append(target)
            return None
        if target.dropped:
            return ResolvedLink(link, link.specifier or "", dropped=True)
        if target.adapter:
            return ResolvedLink(link, specifier(unit.out, ADAPTER / f"{target.adapter}.cjs"), adapter=True)
        if target.file is None:
            return self._package(unit, module, link, target)
        unit.imports.append(target.file)
        unit.targets.append((link, target.file))
        out = self._out(target.file)
        return ResolvedLink(link, specifier(unit.out, out), commonjs=out.suffix in (".cjs", ".cts"))

    def _package(self, unit: Unit, module: Module, link: Link, target: Target) -> ResolvedLink:
        if target.package:
            unit.packages.add(target.package)
            if (warning := dependency_warning(self.project, module, link, target.package)) is not None:
                unit.problems.append(warning)
        return ResolvedLink(link, link.specifier or "", package=bool(target.package))
