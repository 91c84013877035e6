"""Resolve names: those that code uses, and the top-level declarations it depends on."""

from __future__ import annotations

from collections.abc import Iterable

from tree_sitter import Node

from converter.javascript.modules import bound_names, declared_names
from converter.javascript.syntax import field_of, iter_nodes, text_of

_NAMES = ("identifier", "shorthand_property_identifier", "type_identifier")
_TYPES = ("interface_declaration", "type_alias_declaration")
FUNCTIONS = ("arrow_function", "function_expression", "function_declaration")


def names_in(*nodes: Node) -> set[str]:
    """Return the names that code mentions."""
    return {text_of(node) for node in iter_nodes(*nodes) if node.type in _NAMES}


def declaration_of(statement: Node) -> Node:
    """Return the declaration of a statement, without its export."""
    return field_of(statement, "declaration") or statement


def top_names(statement: Node) -> set[str]:
    """Return the names that a top-level statement declares."""
    declaration = declaration_of(statement)
    if declaration.type in _TYPES:
        return {text_of(name) for name in [field_of(declaration, "name")] if name}
    if declaration.type.endswith("_declaration"):
        return {text_of(name) for name in declared_names(declaration)}
    return set()


def declarations_for(statements: Iterable[Node], names: set[str], excluded: set[str]) -> list[Node]:
    """Return the declarations that the names depend on, directly or through others, in source order."""
    declarations = [(statement, top_names(statement)) for statement in statements]
    wanted, kept = names - excluded, set[int]()
    while True:
        added = {i for i, (_, declared) in enumerate(declarations) if i not in kept and declared & wanted}
        if not added:
            return [declarations[i][0] for i in sorted(kept)]
        kept |= added
        wanted |= names_in(*(declarations[i][0] for i in added)) - excluded


def arguments_of(call: Node) -> list[Node]:
    arguments = field_of(call, "arguments")
    return [part for part in arguments.named_children if part.type != "comment"] if arguments else []


def parameters_of(function: Node) -> list[str]:
    """Return the names of a function's parameters; for a pattern, the first name in it."""
    single, several = field_of(function, "parameter"), field_of(function, "parameters")
    nodes = [single] if single else several.named_children if several else []
    return [text_of(names[0]) for node in nodes if node and (names := bound_names(node))]


def function_of(nodes: Iterable[Node], expression: Node) -> Node | None:
    """Return a function expression, or the function of the file that a name refers to."""
    if expression.type != "identifier":
        return expression if expression.type in FUNCTIONS else None
    for node in nodes:
        name = field_of(node, "name")
        if name is None or text_of(name) != text_of(expression):
            continue
        function = node if node.type in FUNCTIONS else field_of(node, "value")
        if function is not None and function.type in FUNCTIONS:
            return function
    return None


def called_functions(node: Node) -> list[str]:
    """Return the text of every function expression that is called."""
    calls = [part for part in iter_nodes(node) if part.type == "call_expression"]
    return [text_of(field_of(call, "function") or call) for call in calls]


def only_logs(listener: Node) -> bool:
    """Return whether a listener does nothing but write to the console."""
    if listener.type not in FUNCTIONS:
        return text_of(listener).startswith("console.")
    assigns = any(n.type in ("assignment_expression", "update_expression") for n in iter_nodes(listener))
    return not assigns and all(name.startswith("console.") for name in called_functions(listener))
