"""Warn about state that routes share through a module.

One Next server holds it for all routes; on Netlify, each function has its own copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tree_sitter import Node

from converter.javascript.modules import LinkKind, Module, declared_names
from converter.javascript.syntax import field_of, iter_nodes, string_value, text_of
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
_WRAPPINGS = (
    "parenthesized_expression",
    "as_expression",
    "satisfies_expression",
    "non_null_expression",
)
_CLASSES = ("class_declaration", "abstract_class_declaration", "class")


def add_state_problems(graph: Graph, routes: list[Route]) -> None:
    """Add a warning to each route that shares changing state with another route."""
    users: dict[Path, list[Route]] = {}
    for route in routes:
        for path in route.modules:
            users.setdefault(path, []).append(route)
    changed = {path: _changed_names(unit.module) for path, unit in graph.units.items() if unit.module}
    _add_changes_by_importers(graph.units.values(), changed)
    modules = [unit.module for unit in graph.units.values() if unit.module]
    classes = {name for module in modules for name in _classes_with_state(module)}
    for path, sharing in users.items():
        module = graph.units[path].module
        if module is None or len(sharing) < 2:
            continue
        problems = list(_state_problems(module, changed[path], classes))
        for route in sharing:
            route.problems += problems
    _add_global_problems(graph, routes)


def _add_global_problems(graph: Graph, routes: list[Route]) -> None:
    """Warn about properties of the global object that one route changes and another one uses."""
    uses: dict[str, list[Route]] = {}
    for route in routes:
        modules = [graph.units[path].module for path in route.modules]
        for used in {used for module in modules if module for used in _global_names(module)}:
            uses.setdefault(used, []).append(route)
    for path in dict.fromkeys(path for route in routes for path in route.modules):
        module = graph.units[path].module
        reported: set[str] = set()
        for node in module.nodes if module else ():
            target = _changed_node(node)
            name = _global_name(target) if target is not None else None
            if module is None or name is None or name in reported or len(uses.get(name, ())) < 2:
                continue
            reported.add(name)
            for route in uses[name]:
                route.problems.append(_problem(module, node, f"globalThis.{name}"))


def _global_names(module: Module) -> Iterator[str]:
    for node in module.nodes:
        if node.type in ("member_expression", "subscript_expression") and (name := _global_name(node)):
            yield name


def _global_name(target: Node) -> str | None:
    path = _path(target)
    return path[1] if path[0] in _GLOBALS and len(path) > 1 else None


def _classes_with_state(module: Module) -> Iterator[str]:
    """Yield the classes whose objects change after they were constructed."""
    for node in module.nodes:
        name = field_of(node, "name") if node.type in _CLASSES else None
        methods = [part for part in iter_nodes(node) if part.type == "method_definition"] if name else []
        changing = [part for part in methods if text_of(field_of(part, "name") or part) != "constructor"]
        targets = (_changed_node(inner) for method in changing for inner in iter_nodes(method))
        if name is not None and any(target is not None and _path(target)[0] == "this" for target in targets):
            yield text_of(name)


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


def _state_problems(module: Module, changed: set[str], classes: set[str]) -> Iterator[Problem]:
    for statement in module.source.root.named_children:
        declaration = field_of(statement, "declaration") or statement
        if _constructs(field_of(statement, "value"), classes):
            yield _problem(module, statement, "the default export")
        if not declaration.type.endswith("_declaration"):
            continue
        for name in map(text_of, declared_names(declaration)):
            if _exported_names(module, name) & changed or _is_state(declaration, name, classes):
                yield _problem(module, statement, name)
                break
    for name, node in module.exports.items():
        if (node.type == "assignment_expression" and name in changed - {"default"}) or _constructs(
            field_of(node, "right"), classes
        ):
            yield _problem(module, node, name)


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


def _is_state(declaration: Node, name: str, classes: set[str]) -> bool:
    """Return whether a name starts as an object that changes: an empty collection, or of one of `classes`."""
    for declarator in declaration.named_children:
        value = field_of(declarator, "value")
        if value is None or text_of(field_of(declarator, "name") or declarator) != name:
            continue
        if value.type == "new_expression":
            return _constructs(value, {*_COLLECTIONS, *classes})
        return value.type in ("array", "object") and not value.named_children
    return False


def _constructs(value: Node | None, classes: set[str]) -> bool:
    if value is None or value.type != "new_expression":
        return False
    return text_of(field_of(value, "constructor") or value) in classes


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
    return ".".join(_path(target)[: 1 + members])


def _path(target: Node) -> list[str]:
    """Return the name at the start of an expression, and the members after it."""
    if target.type in _WRAPPINGS and target.named_children:
        return _path(target.named_children[0])
    owner = field_of(target, "object") or field_of(target, "function")
    if owner is None:
        return [text_of(target)]
    if target.type == "call_expression":
        return [f"{_path(owner)[0]}()"]
    member = field_of(target, "property") or field_of(target, "index") or target
    return [*_path(owner), string_value(member) or text_of(member)]
