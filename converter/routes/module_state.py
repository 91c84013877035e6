"""Warn about state that routes share through a module.

One Next server holds it for all routes; on Netlify, each function has its own copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tree_sitter import Node

from converter.javascript.globals import changed_globals, used_globals
from converter.javascript.keepers import static_class_of
from converter.javascript.modules import LinkKind, Module, bound_names
from converter.javascript.stateful import Reading, Stateful, is_random, read, returned_names
from converter.javascript.syntax import field_of, text_of
from converter.problems import Problem, Severity

from .graph import Graph, Unit
from .model import Route

_BY_HAND = "Store it in a database or in Netlify Blobs, and read it in each call."
_BY_HAND_RANDOM = "Read it from an environment variable that is set on the site."
_VARIABLES = ("lexical_declaration", "variable_declaration")
# For each name that code changes, whether only calls of methods such as `set` change it.
Changed = dict[str, bool]


def add_state_problems(graph: Graph, routes: list[Route]) -> None:
    """Add a warning to each route that shares changing state with another route."""
    users: dict[Path, list[Route]] = {}
    for route in routes:
        for path in route.modules:
            users.setdefault(path, []).append(route)
    readings = {path: read(unit.module, unit.targets) for path, unit in graph.units.items() if unit.module}
    stateful = Stateful(list(readings.values()))
    changed = {path: _changed_names(reading, stateful) for path, reading in readings.items()}
    _add_changes_by_importers(graph.units.values(), readings, changed)
    for path, sharing in users.items():
        if path in readings and len(sharing) > 1:
            problems = list(_state_problems(readings[path], changed[path], stateful))
            for route in sharing:
                route.problems += problems
    _add_global_problems(readings, routes, stateful)


def _add_global_problems(readings: dict[Path, Reading], routes: list[Route], stateful: Stateful) -> None:
    """Warn about properties of the global object that one route changes and another one uses."""
    used = {path: used_globals(reading) for path, reading in readings.items()}
    users: dict[str, list[Route]] = {}
    for route in routes:
        for name in {name for path in route.modules for name in used.get(path, ())}:
            users.setdefault(name, []).append(route)
    for reading in readings.values():
        reported: set[str] = set()
        for name, change in changed_globals(reading):
            if name in reported or len(users.get(name, ())) < 2 or stateful.is_facade(change.value, reading):
                continue
            reported.add(name)
            node = change.node.parent or change.node
            for route in users[name]:
                route.problems.append(_problem(reading.module, node, f"globalThis.{name}"))


def _changed_names(reading: Reading, stateful: Stateful) -> Changed:
    """Return what calls of a module change: each name, and the name with its first member.

    What the module itself does at its start is the same in each copy, unless it changes another module.
    """
    names: Changed = {}
    for change in reading.changes:
        own = change.path[0] not in reading.files
        if change.scope is not None or (own and change.function is None):
            continue
        if change.value is not None and stateful.is_facade(change.value, reading):
            continue
        for name in (change.path[0], ".".join(change.path[:2])):
            names[name] = names.get(name, True) and change.by_call
    return names


def _add_changes_by_importers(
    units: Iterable[Unit], readings: dict[Path, Reading], changed: dict[Path, Changed]
) -> None:
    """Add what importers change to the names of each module, through re-exports and functions as well."""
    links = [(unit.path, link, target) for unit in units for link, target in unit.targets]
    returned = {path: returned_names(reading) for path, reading in readings.items()}
    grown = True
    while grown:
        grown = False
        for path, link, target in links:
            if target not in changed:
                continue
            own, exported = changed.get(path, {}), Changed()
            for binding in link.bindings:
                for name, by_call in own.items():
                    if (outer := _name_outside(binding.imported, binding.local, name)) is not None:
                        exported[outer] = by_call
            if link.kind == LinkKind.EXPORT and not link.bindings:
                exported |= own
            grown |= _merge(changed[target], exported)
        for path, functions in returned.items():
            for name, results in functions.items():
                if f"{name}()" in changed[path]:
                    grown |= _merge(changed[path], dict.fromkeys(results, changed[path][f"{name}()"]))


def _name_outside(imported: str, local: str, name: str) -> str | None:
    """Return what a name of an importer is in the module it comes from."""
    if name in (local, f"{local}()"):
        return name.replace(local, imported, 1)
    is_whole = imported in ("*", "default") and name.startswith(f"{local}.")
    return name.removeprefix(f"{local}.") if is_whole else None


def _merge(names: Changed, others: Changed) -> bool:
    """Add names; return whether anything is new."""
    new = {name: by_call for name, by_call in others.items() if name not in names}
    weaker = {name: False for name, by_call in others.items() if not by_call and names.get(name)}
    names |= new | weaker
    return bool(new or weaker)


def _state_problems(reading: Reading, changed: Changed, stateful: Stateful) -> Iterator[Problem]:
    module = reading.module
    facades = {c.path[0] for c in reading.changes if c.value and stateful.is_facade(c.value, reading)}
    static = {node.id for change in reading.changes if (node := static_class_of(change)) is not None}
    reported: set[int] = set()
    for node, names, value in _declared_values(module):
        if node.id in reported or (
            reported and node.type == "assignment_expression" and names == {"default"}
        ):
            continue
        all_names = {other for name in names for other in _exported_names(module, name)}
        by_call = stateful.is_facade(value, reading) or bool(names & facades)
        changes = any(name in changed and not (changed[name] and by_call) for name in all_names)
        is_class = value is not None and value.id in static
        label = "the default export" if names == {"default"} else ", ".join(sorted(names))
        if changes or is_class or _is_empty(value) or stateful.keeps_state(value, reading):
            reported.add(node.id)
            yield _problem(module, node, label)
        elif is_random(value, reading):
            reported.add(node.id)
            message = f"{label}: every function makes a value of its own, so routes do not agree on it."
            yield module.problem(node, "module-state", message, _BY_HAND_RANDOM, Severity.WARNING)


def _declared_values(module: Module) -> Iterator[tuple[Node, set[str], Node | None]]:
    """Yield what a module declares or exports: where, by which names, and the value."""
    for statement in module.source.root.named_children:
        declaration = field_of(statement, "declaration") or statement
        default = field_of(statement, "value")
        if declaration.type in _VARIABLES:
            for part in declaration.named_children:
                if (pattern := field_of(part, "name")) is not None:
                    yield statement, {text_of(n) for n in bound_names(pattern)}, field_of(part, "value")
        elif declaration.type.endswith("_declaration") and (own := field_of(declaration, "name")) is not None:
            yield statement, {text_of(own)}, declaration
        elif default is not None and default.type != "identifier":
            yield statement, {"default"}, default
    for exported, node in sorted(module.exports.items(), key=lambda export: export[0] == "default"):
        value = field_of(node, "right") or field_of(node, "value")
        if (
            node.type in ("assignment_expression", "pair")
            and value is not None
            and value.type != "identifier"
        ):
            yield node, {exported}, value


def _is_empty(value: Node | None) -> bool:
    return value is not None and value.type in ("array", "object") and not value.named_children


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
