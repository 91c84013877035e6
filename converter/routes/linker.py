"""Decide what an import of a module becomes in the converted one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tree_sitter import Node

from converter.javascript.modules import Link, LinkKind, Module
from converter.javascript.syntax import SUFFIXES, field_of, text_of
from converter.problems import Problem, Severity

from .compatibility import ASSETS, BY_HAND, DROPPED, OFFERED, REACT, TYPES, is_builtin, needs_next
from .module_checks import dynamic_import_problem
from .project import Project
from .resolver import UnresolvedImport, package_of, resolve

CODE = SUFFIXES | {".json"}
# No package has such a name.
# Versions that a package manager reads in the repository alone.
_INSIDE = ("workspace:", "catalog:", "link:", "portal:", "file:")
ALIASES = ("@/", "~", "#")


@dataclass(frozen=True)
class Target:
    """Where an import leads: a file of the project, one of the adapter, or a package as it stands."""

    file: Path | None = None
    adapter: str = ""
    package: str = ""
    dropped: bool = False


def target_of(project: Project, module: Module, link: Link, used: set[str] | None) -> Target | Problem:
    """Return what an import means, or why it can't be converted; of `used` names, if types go."""
    name = link.specifier
    if name is None:
        return dynamic_import_problem(module, link.node, link.kind)
    if name in DROPPED:
        return Target(dropped=True)
    if name != "react" and (name in OFFERED or name.startswith("next/")):
        return _of_next(module, link, name, used)
    if is_builtin(name):
        return Target()
    try:
        file = resolve(project, module.path, name)
    except UnresolvedImport:
        by_hand = "Correct the path, or the alias in tsconfig.json."
        return module.problem(link.node, "missing", f"{name} leads to no file of the project.", by_hand)
    suffix = (file.suffix if file else PurePosixPath(name).suffix).lower()
    if suffix in ASSETS or (file is not None and suffix not in CODE):
        by_hand = "Read it with fs from process.cwd(), and list it under included_files in netlify.toml."
        return module.problem(
            link.node, "asset", f"{name} is no code; only a bundler makes it a module.", by_hand
        )
    if file is None and name.startswith(ALIASES):
        by_hand = "Say under paths in tsconfig.json what it stands for."
        return module.problem(link.node, "missing", f"{name} is an alias that is nowhere declared.", by_hand)
    return Target(file=file) if file else _of_package(module, link, package_of(name), used)


def _of_next(module: Module, link: Link, name: str, used: set[str] | None) -> Target | Problem:
    plain = name.removesuffix(".js")
    offered, types = OFFERED.get(plain), TYPES.get(plain, frozenset())
    if offered is None:
        by_hand = BY_HAND.get(
            "ImageResponse" if plain == "next/og" else "", "Write what it does without Next."
        )
        return module.problem(link.node, "next-import", f"{name} has no counterpart in a function.", by_hand)
    for imported, node in _names(module, link, used):
        if imported not in offered and not (imported in types and module.source.is_typescript):
            by_hand = BY_HAND.get(imported, "Write what it does without Next.")
            message = f"{imported} of {name} has no counterpart in a function."
            return module.problem(node, "next-import", message, by_hand)
    return Target(adapter=plain.strip("@").replace("/", "-"))


def _names(module: Module, link: Link, used: set[str] | None) -> Iterator[tuple[str, Node]]:
    """Yield the names that a link takes; of a namespace, the members that are used."""
    for binding in link.bindings:
        if used is not None and link.kind == LinkKind.IMPORT and binding.local not in used:
            continue
        if binding.imported not in ("*", "default"):
            yield binding.imported, binding.node
            continue
        for node in module.nodes:
            if node.type in ("member_expression", "nested_type_identifier"):
                owner = field_of(node, "object") or field_of(node, "module")
                name = field_of(node, "property") or field_of(node, "name")
                if owner is not None and name is not None and text_of(owner) == binding.local:
                    yield text_of(name), node


def _of_package(module: Module, link: Link, package: str, used: set[str] | None) -> Target | Problem:
    if (by_hand := needs_next(package)) is not None:
        names = ", ".join(b.imported for b in link.bindings if b.imported not in ("*", "default"))
        message = f"{names or package} of {link.specifier} works inside Next only."
        return module.problem(link.node, "needs-next", message, by_hand)
    return _of_react(module, link, used) if package == "react" else Target(package=package)


def _of_react(module: Module, link: Link, used: set[str] | None) -> Target | Problem:
    """Of what server components alone have, the adapter offers `cache`: outside of them it keeps nothing."""
    names = dict(_names(module, link, used))
    taken = [(name, node) for name, node in names.items() if name in REACT]
    if not taken:
        return Target(package="react")
    named = all(binding.imported not in ("*", "default") for binding in link.bindings)
    if named and names.keys() <= OFFERED["react"] and link.specifier == "react":
        return Target(adapter="react")
    message = f"{taken[0][0]} of react exists in server components only."
    by_hand = "Call the function itself; cache alone may be imported by its name."
    return module.problem(taken[0][1], "needs-next", message, by_hand)


def dependency_warning(project: Project, module: Module, link: Link, package: str) -> Problem | None:
    """Warn of a package that package.json doesn't name, or by a version that means nothing elsewhere."""
    version = project.dependencies.get(package)
    if version is not None and str(version).startswith(_INSIDE):
        by_hand = (
            "Let --out be a package of the workspace, write a version into package.json, or name its sources "
            "under paths in tsconfig.json."
        )
        message = f"the version {version} of {package} has a meaning inside its workspace only."
        return module.problem(link.node, "dependency", message, by_hand, Severity.WARNING)
    if version is not None or (link.kind == LinkKind.EXPORT and link.type_only):
        return None
    by_hand = f"Add {package} to package.json beside netlify.toml."
    message = f"the package {package} is not among the dependencies, so its version is unknown."
    return module.problem(link.node, "dependency", message, by_hand, Severity.WARNING)
