"""Find the state that the modules of a project keep: what code changes, and values that keep state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tree_sitter import Node

from .keepers import static_class_of
from .modules import Link, LinkKind, Module, bound_names
from .stateful import Reading, Stateful, is_random, read, returned_names
from .syntax import field_of, text_of

_VARIABLES = ("lexical_declaration", "variable_declaration")
# For each name that code changes, whether only calls of methods such as `set` change it.
Changed = dict[str, bool]


@dataclass(frozen=True)
class State:
    """A declaration or an export that keeps state; `random` if only each copy's value differs."""

    node: Node
    label: str
    random: bool = False


class ProjectState:
    """The modules of a project, each with its links to other files, and what of them is state."""

    def __init__(self, modules: Iterable[tuple[Module, list[tuple[Link, Path]]]]) -> None:
        self.readings = {module.path: read(module, links) for module, links in modules}
        self.stateful = Stateful(list(self.readings.values()))
        changed = {path: _changed_names(reading, self.stateful) for path, reading in self.readings.items()}
        _add_changes_by_importers(self.readings, changed)
        self._changed = changed

    def states_in(self, path: Path) -> Iterator[State]:
        """Yield the state of a module, at most once for each statement."""
        reading, changed, stateful = self.readings[path], self._changed[path], self.stateful
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
                yield State(node, label)
            elif is_random(value, reading):
                reported.add(node.id)
                yield State(node, label, random=True)


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


def _add_changes_by_importers(readings: dict[Path, Reading], changed: dict[Path, Changed]) -> None:
    """Add what importers change to the names of each module, through re-exports and functions as well."""
    links = [
        (path, link, reading.targets[link.node.id])
        for path, reading in readings.items()
        for link in reading.module.links
        if link.node.id in reading.targets
    ]
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


def _exported_names(module: Module, name: str) -> set[str]:
    """Return a top-level name and the names under which importers know it."""
    names = {name}
    for exported, node in module.exports.items():
        value = field_of(node, "value") or field_of(node, "right") or field_of(node, "name")
        if value is not None and text_of(value) == name:
            names.add(exported)
    return names
