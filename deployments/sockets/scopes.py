"""Names: which a piece of code uses, and the declarations at the top of a file that it needs for that."""

from __future__ import annotations

from collections.abc import Iterable

from tree_sitter import Node

from deployments.routes.modules import declared_names
from deployments.routes.syntax import field_of, text_of, walk

_NAMES = ("identifier", "shorthand_property_identifier", "type_identifier")
_COLLECTIONS = ("Map", "Set", "WeakMap", "WeakSet", "Array", "Object")
_TYPES = ("interface_declaration", "type_alias_declaration")
FUNCTIONS = ("arrow_function", "function_expression", "function_declaration")


def names_in(*nodes: Node) -> set[str]:
    """Return the names that code speaks of."""
    return {text_of(found) for node in nodes for found in walk(node) if found.type in _NAMES}


def declaration_of(statement: Node) -> Node:
    """Return the declaration of a statement, without its export."""
    return field_of(statement, "declaration") or statement


def top_names(statement: Node) -> set[str]:
    """Return the names that a statement at the top of a file declares."""
    declaration = declaration_of(statement)
    if declaration.type in _TYPES:
        return {text_of(name) for name in [field_of(declaration, "name")] if name}
    if declaration.type.endswith("_declaration"):
        return {text_of(name) for name in declared_names(declaration)}
    return set()


def needed(statements: Iterable[Node], names: set[str], without: set[str]) -> list[Node]:
    """Return the declarations that the names lead to, one from another, in the order of the file."""
    offered = [(statement, top_names(statement)) for statement in statements]
    taken: set[int] = set()
    wanted = set(names) - without
    grown = True
    while grown:
        grown = False
        for index, (statement, made) in enumerate(offered):
            if index not in taken and made & wanted:
                taken.add(index)
                wanted |= names_in(statement) - without
                grown = True
    return [offered[index][0] for index in sorted(taken)]


def is_state(statement: Node) -> bool:
    """Say whether a declaration keeps something that changes: it would be lost between two calls."""
    declaration = declaration_of(statement)
    if declaration.type not in ("lexical_declaration", "variable_declaration"):
        return False
    if text_of(declaration.children[0]) != "const":
        return True
    values = [field_of(part, "value") for part in declaration.named_children]
    return any(_is_empty_collection(value) for value in values if value is not None)


def _is_empty_collection(value: Node) -> bool:
    if value.type == "new_expression":
        made = field_of(value, "constructor")
        return made is not None and text_of(made) in _COLLECTIONS
    return value.type in ("array", "object") and not value.named_children


def arguments_of(call: Node) -> list[Node]:
    """Return the arguments of a call."""
    arguments = field_of(call, "arguments")
    return [part for part in arguments.named_children if part.type != "comment"] if arguments else []
