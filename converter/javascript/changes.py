"""Find what code changes: names of its module, names that it imports, and `this`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from .bindings import CASTS, FUNCTIONS, Bindings, scope_around
from .modules import Module
from .syntax import field_of, iter_nodes, string_value, text_of

_MUTATORS = (
    *("add", "append", "clear", "copyWithin", "delete", "fill", "pop", "push", "reverse", "set", "shift"),
    *("sort", "splice", "unshift"),
)
# Functions that change their first argument.
_MUTATING_FUNCTIONS = (
    *("Object.assign", "Object.defineProperty", "Object.defineProperties", "Object.setPrototypeOf"),
    *("Reflect.set", "Reflect.deleteProperty", "Reflect.defineProperty", "_.set", "_.merge", "_.assign"),
)
_ASSIGNMENTS = ("assignment_expression", "augmented_assignment_expression")
_MEMBERS = ("member_expression", "subscript_expression")


@dataclass(frozen=True)
class Change:
    """A place that changes the value at `path`: a name, and the members after it.

    `scope` is where the name is declared, None for names of the module. `by_call` is set if a method such as
    `push` changes it, which may also be a method of something that is no collection. `value` is what is
    assigned.
    """

    path: tuple[str, ...]
    node: Node
    scope: Node | None
    by_call: bool = False
    value: Node | None = None

    @property
    def function(self) -> Node | None:
        return scope_around(self.node, *FUNCTIONS)


def changes_of(module: Module, bindings: Bindings) -> list[Change]:
    """Return the changes of a module; a name taken from another value means that value."""
    changes = []
    for node in module.nodes:
        for target, by_call in _targets(node):
            is_content = by_call or target.type in (*_MEMBERS, *CASTS)
            path, scope = resolved(bindings, target, is_content=is_content)
            value = field_of(node, "right") if node.type in _ASSIGNMENTS else None
            changes.append(Change(tuple(path), target, scope, by_call, value))
            if is_content and (result := _call_of(bindings, target)) is not None:
                changes.append(Change((f"{result}()",), target, None, by_call, value))
    return changes


def _targets(node: Node) -> Iterator[tuple[Node, bool]]:
    """Yield what a node assigns to, deletes from, or calls a changing method of."""
    if node.type in _ASSIGNMENTS and (left := field_of(node, "left")) is not None:
        yield from ((target, False) for target in _assigned(left))
    elif node.type == "update_expression" and (argument := field_of(node, "argument")) is not None:
        yield argument, False
    elif node.type == "unary_expression" and text_of(field_of(node, "operator") or node) == "delete":
        if (argument := field_of(node, "argument")) is not None:
            yield argument, False
    elif node.type == "call_expression" and (function := field_of(node, "function")) is not None:
        arguments = field_of(node, "arguments")
        name, owner = field_of(function, "property"), field_of(function, "object")
        if text_of(function) in _MUTATING_FUNCTIONS and arguments is not None and arguments.named_children:
            yield arguments.named_children[0], True
        elif name is not None and owner is not None and text_of(name) in _MUTATORS:
            yield owner, True


def _assigned(left: Node) -> Iterator[Node]:
    if left.type not in ("array_pattern", "object_pattern"):
        yield left
        return
    for part in iter_nodes(left):
        is_name = part.type in ("identifier", "shorthand_property_identifier_pattern")
        if part.type in _MEMBERS or (
            is_name and part.parent is not None and part.parent.type not in _MEMBERS
        ):
            yield part


def resolved(bindings: Bindings, target: Node, *, is_content: bool) -> tuple[list[str], Node | None]:
    """Return a target's path, and the scope of its name; follow names that are parts of others."""
    path, name = path_of(target), head_of(target)
    for _ in range(10):
        source = bindings.source_of(name) if is_content else None
        if source is None:
            break
        path, name = [*path_of(source), *path[1:]], head_of(source)
    return path, bindings.scope_of(name)


def _call_of(bindings: Bindings, target: Node) -> str | None:
    """Return the function whose result a changed name holds, which may be a name of the module."""
    value = bindings.value_of(head_of(target))
    callee = field_of(value, "function") if value is not None and value.type == "call_expression" else None
    return text_of(callee) if callee is not None and callee.type == "identifier" else None


def head_of(expression: Node) -> Node:
    """Return the name at the start of an expression."""
    while True:
        if expression.type in CASTS and expression.named_children:
            expression = expression.named_children[0]
        elif (owner := field_of(expression, "object") or field_of(expression, "function")) is not None:
            expression = owner
        else:
            return expression


def path_of(expression: Node) -> list[str]:
    """Return the name at the start of an expression, and the members after it; `f()` for a called name."""
    if expression.type in CASTS and expression.named_children:
        return path_of(expression.named_children[0])
    owner = field_of(expression, "object")
    if owner is not None:
        member = field_of(expression, "property") or field_of(expression, "index") or expression
        return [*path_of(owner), string_value(member) or text_of(member)]
    if (function := field_of(expression, "function")) is not None:
        path = path_of(function)
        # A method gives a part of its object.
        return path[:-1] if len(path) > 1 else [f"{path[0]}()"]
    return [text_of(expression)]
