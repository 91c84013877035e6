"""Decide what each import becomes in the converted module."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tree_sitter import Node

from converter.javascript.modules import Link, LinkKind, Module
from converter.javascript.syntax import SUFFIXES, field_of, text_of
from converter.problems import Problem, Severity

from .compatibility import ASSETS, BY_HAND, DROPPED, NEEDS_NEXT, OFFERED, REACT, TYPES, is_builtin
from .module_checks import dynamic_import_problem
from .project import Project
from .resolver import UnresolvedImport, package_of, resolve

_WITHOUT_NEXT = "Implement it without Next."
# Parts of the paths of files that a generator writes, and that repositories usually leave out.
_GENERATED = (
    "generated",
    "codegen",
    ".prisma",
    "contentlayer",
    ".velite",
    ".source",
    "paraglide",
    "styled-system",
)
_CODE = SUFFIXES | {".json"}
# Versions that only resolve inside the repository.
_LOCAL_VERSIONS = ("workspace:", "catalog:", "link:", "portal:", "file:")
_ALIASES = ("@/", "~", "#")  # no package name starts like this


@dataclass(frozen=True)
class Target:
    """What an import resolves to: a file of the project, an adapter module, or an unchanged package."""

    file: Path | None = None
    adapter: str = ""
    package: str = ""
    dropped: bool = False


def target_of(project: Project, module: Module, link: Link, used: set[str] | None) -> Target | Problem:
    """Resolve an import, or say why it cannot be converted; `used` limits the names if types are stripped."""
    name = link.specifier
    if name is None:
        return dynamic_import_problem(module, link.node, link.kind)
    if name in DROPPED:
        return Target(dropped=True)
    if name != "react" and (name in OFFERED or name.startswith("next/")):
        return _resolve_next(module, link, name, used)
    if is_builtin(name):
        return Target()
    try:
        file = resolve(project, module.path, name)
    except UnresolvedImport:
        message = f"{name} does not resolve to a file of the project."
        return module.problem(link.node, "missing", message, _missing_by_hand(name))
    suffix = (file.suffix if file else PurePosixPath(name).suffix).lower()
    if suffix in ASSETS or (file is not None and suffix not in _CODE):
        by_hand = "Read the file from process.cwd() with fs, and add it to included_files in netlify.toml."
        return module.problem(
            link.node, "asset", f"{name} is an asset, which only a bundler can import.", by_hand
        )
    if file is None and name.startswith(_ALIASES):
        by_hand = "Declare the alias under paths in tsconfig.json."
        return module.problem(link.node, "missing", f"{name} uses an alias that is not declared.", by_hand)
    return Target(file=file) if file else _resolve_package(module, link, package_of(name), used)


def _missing_by_hand(name: str) -> str:
    if any(part in name.lower() for part in _GENERATED):
        return "Run the generator that writes the file, such as `prisma generate`, and convert again."
    return "Correct the path, or the alias in tsconfig.json."


def _resolve_next(module: Module, link: Link, name: str, used: set[str] | None) -> Target | Problem:
    plain = name.removesuffix(".js")
    offered, types = OFFERED.get(plain), TYPES.get(plain, frozenset())
    if offered is None:
        by_hand = BY_HAND["ImageResponse"] if plain == "next/og" else _WITHOUT_NEXT
        message = f"{name} is not available in a Netlify function."
        return module.problem(link.node, "next-import", message, by_hand)
    for imported, node in _imported_names(module, link, used):
        if imported not in offered and not (imported in types and module.source.is_typescript):
            by_hand = BY_HAND.get(imported, _WITHOUT_NEXT)
            message = f"{imported} from {name} is not available in a Netlify function."
            return module.problem(node, "next-import", message, by_hand)
    return Target(adapter=plain.strip("@").replace("/", "-"))


def _imported_names(module: Module, link: Link, used: set[str] | None) -> Iterator[tuple[str, Node]]:
    """Yield the imported names; for a namespace, the members that are used."""
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


def _resolve_package(module: Module, link: Link, package: str, used: set[str] | None) -> Target | Problem:
    if (by_hand := NEEDS_NEXT.get(package)) is not None:
        names = ", ".join(b.imported for b in link.bindings if b.imported not in ("*", "default"))
        message = f"{names or package} from {link.specifier} only works inside Next."
        return module.problem(link.node, "needs-next", message, by_hand)
    return _resolve_react(module, link, used) if package == "react" else Target(package=package)


def _resolve_react(module: Module, link: Link, used: set[str] | None) -> Target | Problem:
    """Resolve an import of react; of its server-component exports, the adapter only replaces `cache`."""
    names = dict(_imported_names(module, link, used))
    server_only = [(name, node) for name, node in names.items() if name in REACT]
    if not server_only:
        return Target(package="react")
    named = all(binding.imported not in ("*", "default") for binding in link.bindings)
    if named and names.keys() <= OFFERED["react"] and link.specifier == "react":
        return Target(adapter="react")
    message = f"{server_only[0][0]} from react only exists in server components."
    by_hand = "Call the function directly; only cache may be imported, by name."
    return module.problem(server_only[0][1], "needs-next", message, by_hand)


def dependency_warning(project: Project, module: Module, link: Link, package: str) -> Problem | None:
    """Warn about a package that package.json does not list, or lists at a version local to the repository."""
    version = project.dependencies.get(package)
    if version is not None and str(version).startswith(_LOCAL_VERSIONS):
        by_hand = (
            "Make --out a package of the workspace, set a published version in package.json, or map the "
            "package to its sources under paths in tsconfig.json."
        )
        message = f"version {version} of {package} only resolves inside its workspace."
        return module.problem(link.node, "dependency", message, by_hand, Severity.WARNING)
    if version is not None or (link.kind == LinkKind.EXPORT and link.type_only):
        return None
    by_hand = f"Add {package} to the package.json next to netlify.toml."
    message = f"{package} is not listed in package.json, so its version is unknown."
    return module.problem(link.node, "dependency", message, by_hand, Severity.WARNING)
