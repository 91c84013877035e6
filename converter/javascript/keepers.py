"""Find what keeps the state that code changes: a class, an object literal, or a function with closures."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from .bindings import CASTS, FUNCTIONS, class_of, is_static, scope_around
from .changes import Change, head_of
from .syntax import field_of, iter_nodes, text_of

CLASSES = ("class_declaration", "abstract_class_declaration", "class")
_NAMES = ("identifier", "shorthand_property_identifier")


def keeper_of(change: Change) -> Node | None:
    """Return what keeps the state that a change changes: a class, an object literal or a function."""
    inner = change.function
    if inner is None:
        return None
    if change.path[0] == "this":
        return _keeper_of_this(change.node, inner)
    if change.scope is None:
        return None
    outer = change.scope if change.scope.type in FUNCTIONS else scope_around(change.scope, *FUNCTIONS)
    if outer is None or outer == inner or not _escapes(inner, outer):
        return None
    class_ = class_of(outer) if text_of(field_of(outer, "name") or outer) == "constructor" else None
    return class_ or outer


def _keeper_of_this(node: Node, inner: Node) -> Node | None:
    """Return the class, object literal or constructor function whose objects a change of `this` changes."""
    owner = scope_around(
        node,
        *(kind for kind in FUNCTIONS if kind != "arrow_function"),
        "field_definition",
        "public_field_definition",
    )
    if owner is None:
        return None
    class_ = class_of(owner)
    if class_ is not None:
        name = field_of(owner, "name")
        is_start = name is not None and text_of(name) == "constructor" and inner == owner
        return None if is_start else class_
    around = owner.parent
    while around is not None and around.type in ("pair", "parenthesized_expression"):
        around = around.parent
    if around is not None and around.type == "object":
        return around
    if around is not None and around.type == "assignment_expression":
        return around  # a method of a prototype
    return owner if inner != owner else None


def static_class_of(change: Change) -> Node | None:
    """Return the class that itself keeps what a static method changes with `this`."""
    method = scope_around(change.node, "method_definition", "field_definition", "public_field_definition")
    is_own = change.path[0] == "this" and method is not None and is_static(method)
    return class_of(method) if method is not None and is_own else None


def _escapes(inner: Node, outer: Node) -> bool:
    """Return whether a function outlives the one around it: it is returned, or stored in a member."""
    while (around := scope_around(inner, *FUNCTIONS)) is not None and around != outer:
        inner = around
    names = {name_of(inner)} - {None}
    parent = inner.parent
    if parent is not None and parent.type == "assignment_expression":
        return (field_of(parent, "left") or parent).type == "member_expression"
    if _is_callback(inner):
        return False
    for value in returned_by(outer):
        if value.start_byte <= inner.start_byte < value.end_byte:
            return True
        if any(node.type in _NAMES and text_of(node) in names for node in iter_nodes(value)):
            return True
    holder = scope_around(inner, "variable_declarator")
    if holder is not None and holder.start_byte > outer.start_byte:
        held = text_of(field_of(holder, "name") or holder)
        return any(text_of(node) == held for value in returned_by(outer) for node in iter_nodes(value))
    return False


def _is_callback(function: Node) -> bool:
    """Return whether a function is passed to a method or to a promise, which call it at once or once."""
    arguments = function.parent
    if arguments is None or arguments.type != "arguments" or arguments.parent is None:
        return False
    callee = field_of(arguments.parent, "function") or field_of(arguments.parent, "constructor")
    text = text_of(callee) if callee is not None else ""
    return ("." in text and not text.startswith("Object.")) or text == "Promise"


def name_of(node: Node) -> str | None:
    """Return the name under which others know a function or a class."""
    if node.type == "assignment_expression":  # Name.prototype.method = …
        left = field_of(node, "left")
        return text_of(head_of(left)) if left is not None and ".prototype" in text_of(left) else None
    name = field_of(node, "name")
    if node.type == "method_definition":
        class_ = class_of(node)
        owner = field_of(class_, "name")
        return f"{text_of(owner)}.{text_of(name)}" if owner and name and is_static(node) else None
    if name is not None:
        return text_of(name)
    parent = node.parent
    while parent is not None and parent.type in CASTS:
        parent = parent.parent
    if parent is None:
        return None
    if parent.type == "variable_declarator" and (name := field_of(parent, "name")) is not None:
        return text_of(name)
    if parent.type == "pair" and (key := field_of(parent, "key")) is not None:
        return text_of(key)
    if parent.type == "assignment_expression" and (left := field_of(parent, "left")) is not None:
        return text_of(field_of(left, "property") or left)
    return None


def bases_of(class_: Node) -> Iterator[Node]:
    for part in class_.named_children:
        if part.type == "class_heritage":
            yield from part.named_children[:1] if part.named_children[:1] else ()
            for clause in part.named_children:
                if clause.type == "extends_clause" and (value := field_of(clause, "value")) is not None:
                    yield value


def returned_by(function: Node) -> Iterator[Node]:
    """Yield the values that a function returns."""
    body = field_of(function, "body")
    if body is None:
        return
    if body.type != "statement_block":
        yield body
        return
    stack = [body]
    while stack:
        node = stack.pop()
        if node.type == "return_statement":
            yield from (part for part in node.named_children if part.type != "comment")
        stack.extend(part for part in node.named_children if part.type not in (*FUNCTIONS, *CLASSES))
