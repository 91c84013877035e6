"""Warn about state that routes share through a module.

One Next server holds it for all routes; on Netlify, each function has its own copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tree_sitter import Node

from converter.javascript.modules import LinkKind, Module, declared_names
from converter.javascript.syntax import field_of, text_of
from converter.problems import Problem, Severity

from .graph import Graph, Unit
from .model import Route

_BY_HAND = "Store it in a database or in Netlify Blobs, and read it in each call."
_MUTATORS = (
    "add",
    "append",
    "clear",
    "delete",
    "fill",
    "pop",
    "push",
    "set",
    "shift",
    "sort",
    "splice",
    "unshift",
)
_COLLECTIONS = ("Map", "Set", "WeakMap", "WeakSet", "Array", "Object")
_ASSIGNMENTS = ("assignment_expression", "augmented_assignment_expression")
_GLOBALS = ("globalThis", "global")


def add_state_problems(graph: Graph, routes: list[Route]) -> None:
    """Add a warning to each route that shares changing state with another route."""
    users: dict[Path, list[Route]] = {}
    for route in routes:
        for path in route.modules:
            users.setdefault(path, []).append(route)
    changed = {path: _changed_names(unit.module) for path, unit in graph.units.items() if unit.module}
    _add_changes_by_importers(graph.units.values(), changed)
    for path, sharing in users.items():
        module = graph.units[path].module
        if module is None or len(sharing) < 2:
            continue
        problems = list(_state_problems(module, changed[path]))
        for route in sharing:
            route.problems += problems


def _add_changes_by_importers(units: Iterable[Unit], changed: dict[Path, set[str]]) -> None:
    """Add what importers change to the names of each module, through re-exports as well."""
    links = [(unit.path, link, target) for unit in units for link, target in unit.targets]
    grown = True
    while grown:
        grown = False
        for path, link, target in links:
            own = changed.get(path, set())
            exported = {b.imported for b in link.bindings if b.local in own}
            whole = [f"{b.local}." for b in link.bindings if b.imported in ("*", "default")]
            exported |= {name.removeprefix(w) for name in own for w in whole if name.startswith(w)}
            if link.kind == LinkKind.EXPORT and not link.bindings:
                exported |= own
            if target in changed and not exported <= changed[target]:
                changed[target] |= exported
                grown = True


def _state_problems(module: Module, changed: set[str]) -> Iterator[Problem]:
    for statement in module.source.root.named_children:
        declaration = field_of(statement, "declaration") or statement
        if not declaration.type.endswith("_declaration"):
            continue
        for name in map(text_of, declared_names(declaration)):
            if _exported_names(module, name) & changed or _is_empty_collection(declaration, name):
                yield _problem(module, statement, name)
                break
    for name, node in module.exports.items():
        if node.type == "assignment_expression" and name in changed - {"default"}:
            yield _problem(module, node, name)
    for node in module.nodes:
        target = _changed_node(node)
        if target is not None and _base(target) in _GLOBALS:
            yield _problem(module, node, text_of(target))


def _problem(module: Module, node: Node, name: str) -> Problem:
    message = f"{name}: every function has its own copy, so a change by one route does not reach the others."
    return module.problem(node, "module-state", message, _BY_HAND, Severity.WARNING)


def _exported_names(module: Module, name: str) -> set[str]:
    """Return a top-level name and the names under which importers know it."""
    names = {name}
    for exported, node in module.exports.items():
        value = field_of(node, "value") or field_of(node, "right") or field_of(node, "name")
        if value is not None and text_of(value) == name:
            names.add(exported)
    return names


def _is_empty_collection(declaration: Node, name: str) -> bool:
    """Return whether a name starts as an empty collection, which is only of use if it is filled."""
    for declarator in declaration.named_children:
        value = field_of(declarator, "value")
        if value is None or text_of(field_of(declarator, "name") or declarator) != name:
            continue
        if value.type == "new_expression":
            return text_of(field_of(value, "constructor") or value) in _COLLECTIONS
        return value.type in ("array", "object") and not value.named_children
    return False


def _changed_names(module: Module) -> set[str]:
    """Return what a module changes: each name, and the name with its first member."""
    targets = [target for node in module.nodes if (target := _changed_node(node)) is not None]
    return {_base(target) for target in targets} | {_base(target, members=1) for target in targets}


def _changed_node(node: Node) -> Node | None:
    """Return what a node assigns to, or calls a changing method of."""
    if node.type in _ASSIGNMENTS:
        return field_of(node, "left")
    if node.type == "update_expression":
        return field_of(node, "argument")
    function = field_of(node, "function") if node.type == "call_expression" else None
    name = field_of(function, "property")
    return field_of(function, "object") if name is not None and text_of(name) in _MUTATORS else None


def _base(target: Node, members: int = 0) -> str:
    """Return the name at the start of a member expression, and the first members after it."""
    parts = text_of(target).replace("!", "").replace("?", "").replace("(", "").replace("[", ".").split(".")
    return ".".join(parts[: 1 + members])
