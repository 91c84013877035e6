"""The functions in which a server is created: what they declare, and what of it handlers may take along."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from converter.javascript.modules import bound_names, declared_names
from converter.javascript.syntax import field_of, iter_nodes, text_of

from .scopes import FUNCTIONS, names_in, top_names


def local_names(declarator: Node) -> set[str]:
    """Return the names that are local to the functions around a declarator."""
    names: set[str] = set()
    around = declarator.parent
    while around is not None and around.type != "program":
        for parameters in filter(None, (field_of(around, "parameters"), field_of(around, "parameter"))):
            names |= {text_of(name) for name in bound_names(parameters)}
        around = around.parent
    for statement in _statements_around(declarator):
        names |= {text_of(name) for name in declared_names(statement)}
    return names


def independent_functions(declarator: Node, variable: str) -> list[Node]:
    """Return the functions declared around a server that read nothing else of the functions around it.

    They mean the same at the top of a module. Those that hide a name of the top level are left out.
    """
    root = declarator
    while root.parent is not None:
        root = root.parent
    at_top = {name for statement in root.named_children for name in top_names(statement)}
    functions = [part for part in _statements_around(declarator) if _is_function(part)]
    functions = [part for part in functions if not top_names(part) & at_top]
    while True:
        names = {name for part in functions for name in top_names(part)}
        dependent = local_names(declarator) - names - {variable}
        kept = [part for part in functions if not names_in(part) & dependent]
        if len(kept) == len(functions):
            return kept
        functions = kept


def _statements_around(declarator: Node) -> Iterator[Node]:
    around = declarator.parent
    while around is not None and around.type != "program":
        if around.type == "statement_block":
            yield from around.named_children
        around = around.parent


def _is_function(statement: Node) -> bool:
    if any(node.type in ("this", "super") for node in iter_nodes(statement)):
        return False
    if statement.type == "function_declaration":
        return True
    if statement.type != "lexical_declaration" or text_of(statement.children[0]) != "const":
        return False
    values = [field_of(part, "value") for part in statement.named_children if part.type != "comment"]
    return all(value is not None and value.type in FUNCTIONS for value in values)
