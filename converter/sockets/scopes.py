"""Names: which a piece of code uses, and the declarations at the top of a file that it needs for that."""

from __future__ import annotations

from collections.abc import Iterable

from tree_sitter import Node

from converter.javascript.modules import bound_names, declared_names
from converter.javascript.syntax import field_of, iter_nodes, text_of

_NAMES = ("identifier", "shorthand_property_identifier", "type_identifier")
_COLLECTIONS = ("Map", "Set", "WeakMap", "WeakSet", "Array", "Object")
_TYPES = ("interface_declaration", "type_alias_declaration")
FUNCTIONS = ("arrow_function", "function_expression", "function_declaration")


def names_in(*nodes: Node) -> set[str]:
    """Return the names that code speaks of."""
    return {text_of(found) for node in nodes for found in iter_nodes(node) if found.type in _NAMES}


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


def declarations_for(statements: Iterable[Node], names: set[str], without: set[str]) -> list[Node]:
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


def parameters_of(function: Node) -> list[str]:
    """Return the names of a function's parameters; of a pattern, its first."""
    single, several = field_of(function, "parameter"), field_of(function, "parameters")
    nodes = [single] if single else several.named_children if several else []
    return [text_of(names[0]) for node in nodes if node and (names := bound_names(node))]


def function_of(nodes: Iterable[Node], written: Node) -> Node | None:
    """Return a function in place, or the one of the file that a name means."""
    if written.type != "identifier":
        return written if written.type in FUNCTIONS else None
    for node in nodes:
        name = field_of(node, "name")
        if name is None or text_of(name) != text_of(written):
            continue
        made = node if node.type in FUNCTIONS else field_of(node, "value")
        if made is not None and made.type in FUNCTIONS:
            return made
    return None


def only_logs(listener: Node) -> bool:
    """Say whether a listener does nothing but write to the console."""
    if listener.type not in FUNCTIONS:
        return text_of(listener).startswith("console.")
    calls = [
        text_of(field_of(n, "function") or n) for n in iter_nodes(listener) if n.type == "call_expression"
    ]
    changes = any(n.type in ("assignment_expression", "update_expression") for n in iter_nodes(listener))
    return not changes and all(call.startswith("console.") for call in calls)
