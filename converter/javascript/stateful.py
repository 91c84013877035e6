"""Find values that keep state: collections, objects of classes that change, and closures over variables."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tree_sitter import Node

from .bindings import FUNCTIONS, Bindings, is_part, scope_around
from .changes import Change, changes_of, head_of
from .keepers import CLASSES, bases_of, keeper_of, name_of, returned_by
from .modules import Link, LinkKind, Module
from .stateful_packages import RANDOM, RANDOM_GLOBALS, STATEFUL
from .syntax import field_of, iter_nodes, text_of

COLLECTIONS = ("Map", "Set", "WeakMap", "WeakSet", "Array", "Object", "EventTarget", "BroadcastChannel")
_WRAPPINGS = (
    *("parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression"),
    *("await_expression", "binary_expression", "ternary_expression", "array"),
)
# Functions that read a list once.
_COPYING = ("Array.from", "Object.fromEntries", "JSON.stringify", "Promise.all")
_GENERATORS = ("generator_function", "generator_function_declaration")


@dataclass
class Reading:
    """A module with its bindings, its changes, and the files that its links lead to."""

    module: Module
    targets: dict[int, Path]
    bindings: Bindings
    changes: list[Change]
    # What a local name is in its package, and what it is in a file of the project.
    packages: dict[str, tuple[str, str]] = field(default_factory=dict)
    files: dict[str, tuple[Path, str]] = field(default_factory=dict)


def read(module: Module, links: list[tuple[Link, Path]]) -> Reading:
    """Read a module whose `links` lead to files; its other links lead to packages."""
    bindings = Bindings(module)
    reading = Reading(
        module, {link.node.id: path for link, path in links}, bindings, changes_of(module, bindings)
    )
    for link in module.links:
        path = reading.targets.get(link.node.id)
        for binding in link.bindings:
            if path is not None:
                reading.files[binding.local] = path, binding.imported
            elif link.specifier is not None and not link.type_only:
                reading.packages[binding.local] = link.specifier.removeprefix("node:"), binding.imported
    return reading


class Stateful:
    """The classes, functions and object literals of a project that keep state.

    Names are compared across modules, default exports by their file.
    """

    def __init__(self, readings: list[Reading]) -> None:
        self.names: set[str] = set()
        self.defaults: set[Path] = set()
        # Objects, classes and functions without a name that others could know.
        self.nodes: set[int] = set()
        # Classes, and functions whose results have methods of their own: `delete` of these may be anything.
        self._facades: set[str] = set()
        for reading in readings:
            self._facades |= {
                n for node in reading.module.nodes if node.type in CLASSES if (n := name_of(node))
            }
            for change in reading.changes:
                if (keeper := keeper_of(change)) is not None:
                    self._add(reading, keeper)
            for node in reading.module.nodes:
                if node.type in _GENERATORS:
                    self._add(reading, node)
        size = -1
        while size != (size := len(self.names) + len(self.defaults) + len(self.nodes) + len(self._facades)):
            for reading in readings:
                self._spread(reading)

    def _add(self, reading: Reading, keeper: Node) -> None:
        self.nodes.add(keeper.id)
        if (name := name_of(keeper)) is not None:
            self.names.add(name)
        default = reading.module.exports.get("default")
        value = field_of(default, "value") or field_of(default, "declaration") or field_of(default, "right")
        if value is not None and (value == keeper or text_of(value) == name_of(keeper)):
            self.defaults.add(reading.module.path)

    def _spread(self, reading: Reading) -> None:
        """Add what returns, extends or re-exports something that keeps state."""
        for node in reading.module.nodes:
            if node.id in self.nodes:
                continue
            if node.type in FUNCTIONS:
                values = list(returned_by(node))
                if any(self.keeps_state(value, reading) for value in values):
                    self._add(reading, node)
                if (name := name_of(node)) and any(self.is_facade(value, reading) for value in values):
                    self._facades.add(name)
            elif node.type in CLASSES and any(self._is_known(base, reading) for base in bases_of(node)):
                self._add(reading, node)
        for link in reading.module.links:
            path = reading.targets.get(link.node.id)
            if link.kind == LinkKind.EXPORT and path in self.defaults:
                self.names |= {
                    b.local for b in link.bindings if b.imported == "default" and b.local != "default"
                }

    def keeps_state(self, value: Node | None, reading: Reading) -> bool:
        """Return whether an expression makes something that keeps state."""
        if value is None:
            return False
        if value.id in self.nodes and value.type in ("object", "class"):
            return True
        if value.type in _WRAPPINGS:
            return any(self.keeps_state(part, reading) for part in value.named_children)
        if value.type == "object":
            values = (field_of(part, "value") or part for part in value.named_children)
            return any(self.keeps_state(part, reading) for part in values if part.type != "method_definition")
        if value.type == "new_expression":
            arguments = field_of(value, "arguments")
            others = () if arguments is not None and arguments.named_children else COLLECTIONS
            constructor = field_of(value, "constructor")
            return self._is_known(constructor, reading, *others) or self._takes_state(value, reading)
        if value.type == "member_expression":
            owner = field_of(value, "object")
            return owner is not None and owner.type != "identifier" and self.keeps_state(owner, reading)
        if value.type == "call_expression":
            callee = field_of(value, "function")
            owner = field_of(callee, "object")
            chained = owner is not None and owner.type != "identifier" and self.keeps_state(owner, reading)
            return chained or self._is_known(callee, reading) or self._takes_state(value, reading)
        return False

    def is_facade(self, value: Node | None, reading: Reading) -> bool:
        """Return whether a value is an object of a class or a package, whose methods may do anything."""
        if value is None:
            return False
        if value.type in _WRAPPINGS:
            return any(self.is_facade(part, reading) for part in value.named_children)
        if value.type == "identifier":
            return self.is_facade(reading.bindings.value_of(value), reading)
        if value.type not in ("new_expression", "call_expression"):
            return False
        head = head_of(field_of(value, "constructor") or value)
        name = text_of(head)
        if name in reading.packages or _required(value, reading):
            return True
        if name in reading.files:
            return reading.files[name][1] in self._facades
        return name in self._facades or self.is_facade(reading.bindings.value_of(head), reading)

    def _takes_state(self, call: Node, reading: Reading) -> bool:
        arguments = field_of(call, "arguments")
        if text_of(field_of(call, "function") or call) in _COPYING:
            return False
        parts = arguments.named_children if arguments is not None else ()
        return any(self.keeps_state(part, reading) for part in parts if part.type not in FUNCTIONS)

    def _is_known(self, callee: Node | None, reading: Reading, *others: str) -> bool:
        """Return whether calling or constructing something makes state."""
        while callee is not None and callee.type == "parenthesized_expression":
            callee = callee.named_children[0]
        if callee is None:
            return False
        if callee.id in self.nodes:
            return True
        if callee.type == "call_expression":  # require("…")
            path = reading.targets.get(callee.id)
            return path in self.defaults or _is_in(STATEFUL, (_required(callee, reading), "default"))
        name = text_of(callee)
        head, _, member = name.rpartition(".")
        if head and head in reading.files:
            return member in self.names or (member == "default" and reading.files[head][0] in self.defaults)
        if head and head in reading.packages:
            return _is_in(STATEFUL, (reading.packages[head][0], member))
        if name in reading.files:
            path, imported = reading.files[name]
            return imported in self.names or (imported in ("default", "*") and path in self.defaults)
        if name in reading.packages:
            return _is_in(STATEFUL, reading.packages[name])
        return name in self.names or name in others


def is_random(value: Node | None, reading: Reading) -> bool:
    """Return whether an expression gives another value in each copy of a module."""
    for node in iter_nodes(value) if value is not None else ():
        if node.type != "call_expression" or (callee := field_of(node, "function")) is None:
            continue
        function = scope_around(node, *FUNCTIONS)
        if function is not None and value is not None and function.start_byte >= value.start_byte:
            continue
        name = text_of(callee)
        head, _, member = name.partition(".")
        if name in RANDOM_GLOBALS and head not in reading.packages:
            return True
        package, imported = reading.packages.get(head, ("", ""))
        if _is_in(RANDOM, (package, member.rpartition(".")[2] or imported)):
            return True
    return False


def _required(call: Node, reading: Reading) -> str:
    """Return the package of `require("…")`, also within calls."""
    for node in iter_nodes(call):
        if node.type == "call_expression" and text_of(field_of(node, "function") or node) == "require":
            for link in reading.module.links:
                if link.node == node and node.id not in reading.targets:
                    return (link.specifier or "").removeprefix("node:")
    return ""


def _is_in(table: dict[str, tuple[str, ...]], export: tuple[str, str]) -> bool:
    package, name = export
    names = table.get(package, ())
    return name in names or (name == "*" and "default" in names)


def returned_names(reading: Reading) -> dict[str, set[str]]:
    """Return the names of the module that its functions return."""
    names: dict[str, set[str]] = {}
    for node in reading.module.nodes:
        if node.type in FUNCTIONS and (name := name_of(node)) is not None:
            heads = [head_of(value) for value in returned_by(node) if is_part(value)]
            names.setdefault(name, set()).update(text_of(head) for head in heads)
    return names
