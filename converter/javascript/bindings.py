"""Resolve a name to the scope that declares it, and to the value that it was taken from."""

from __future__ import annotations

from tree_sitter import Node

from .modules import Module, bound_names
from .syntax import child, field_of, text_of

FUNCTIONS = (
    *("function_declaration", "function_expression", "arrow_function", "method_definition"),
    *("generator_function", "generator_function_declaration"),
)
_BLOCKS = ("statement_block", "program", "for_statement", "for_in_statement", "switch_body", "catch_clause")
# Methods that give a part of what they are called on.
CASTS = (
    *("parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression"),
    "await_expression",
)
_PARTS = ("find", "findLast", "at", "get", "values", "entries", "getOrInsert")


class Bindings:
    """The names that a module declares, by scope."""

    def __init__(self, module: Module) -> None:
        # The value that each name of a scope was taken from.
        self._values: dict[tuple[int, str], Node | None] = {}
        for node in module.nodes:
            if node.type == "variable_declarator":
                self._declare_variable(node)
            elif node.type in FUNCTIONS:
                self._declare_function(node)
            elif node.type == "for_in_statement":
                self._declare(node, field_of(node, "left"), field_of(node, "right"))
            elif node.type == "class_declaration":
                self._declare(scope_around(node, *_BLOCKS), field_of(node, "name"), None)
            elif node.type == "catch_clause":
                self._declare(node, field_of(node, "parameter"), None)

    def _declare(self, scope: Node | None, target: Node | None, value: Node | None) -> None:
        if scope is not None and target is not None:
            for name in bound_names(target) or [target]:
                self._values.setdefault((scope.id, text_of(name)), value)

    def _declare_variable(self, declarator: Node) -> None:
        around = declarator.parent
        is_var = around is not None and around.type == "variable_declaration"
        scope = scope_around(declarator, *(("program", *FUNCTIONS) if is_var else (*_BLOCKS, *FUNCTIONS)))
        self._declare(scope, field_of(declarator, "name"), field_of(declarator, "value"))

    def _declare_function(self, function: Node) -> None:
        if function.type.endswith("_declaration"):
            self._declare(scope_around(function, *_BLOCKS), field_of(function, "name"), None)
        source = _iterated(function)
        self._declare(function, field_of(function, "parameter"), source)
        parameters = field_of(function, "parameters")
        for index, parameter in enumerate(parameters.named_children if parameters else ()):
            target = field_of(parameter, "pattern") or parameter
            self._declare(function, target, source if index == 0 else None)

    def scope_of(self, name: Node) -> Node | None:
        """Return the scope that declares a name; None for the module, and for what no scope declares."""
        scope = self._declaring(name)
        return None if scope is None or scope.type == "program" else scope

    def value_of(self, name: Node) -> Node | None:
        """Return the value that a name starts with, without casts."""
        scope = self._declaring(name)
        value = self._values[scope.id, text_of(name)] if scope is not None else None
        while value is not None and value.type in CASTS and value.named_children:
            value = value.named_children[0]
        return value

    def source_of(self, name: Node) -> Node | None:
        """Return what a name is a part of, so that a change of it changes that."""
        value = self.value_of(name)
        return value if is_part(value) else None

    def _declaring(self, name: Node) -> Node | None:
        text, around = text_of(name), name.parent
        while around is not None and (around.id, text) not in self._values:
            around = around.parent
        return around


def scope_around(node: Node, *types: str) -> Node | None:
    around = node.parent
    while around is not None and around.type not in types:
        around = around.parent
    return around


def is_part(value: Node | None) -> bool:
    """Return whether a value is a name, a member, or a part that a method gives."""
    if value is None:
        return False
    if value.type == "call_expression":
        method = field_of(field_of(value, "function"), "property")
        return method is not None and text_of(method) in _PARTS
    return value.type in ("identifier", "this", "member_expression", "subscript_expression")


def _iterated(function: Node) -> Node | None:
    """Return the list whose parts a callback gets: `list` of `list.forEach((part) => …)`."""
    arguments = function.parent
    call = arguments.parent if arguments is not None and arguments.type == "arguments" else None
    callee = field_of(call, "function") if call is not None and call.type == "call_expression" else None
    method = field_of(callee, "property")
    is_each = method is not None and text_of(method) in ("forEach", "map", "some", "every", "filter")
    return field_of(callee, "object") if is_each else None


def class_of(method: Node) -> Node | None:
    """Return the class whose body a method or field stands in."""
    body = method.parent
    is_member = body is not None and body.type == "class_body"
    return body.parent if body is not None and is_member else None


def is_static(member: Node) -> bool:
    return child(member, "static") is not None
