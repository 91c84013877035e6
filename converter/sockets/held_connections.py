"""What holds a connection in browser code, its types and its uses."""

from __future__ import annotations

from dataclasses import dataclass, field

from tree_sitter import Node

from converter.javascript.modules import Module
from converter.javascript.syntax import child, field_of, iter_nodes, text_of

from .scopes import arguments_of

EMPTY = ("null", "undefined")
_SOCKET_TYPES = ("Socket", "WebSocket")


@dataclass
class ClientVariable:
    """How code names a connection.

    `names` are the texts that mean it, `uses` the nodes with such a text. `types` are nodes of types to
    replace. Without a `declarator` there may be several connections at a time (of objects or components).
    """

    names: tuple[str, ...]
    declarator: Node | None = None
    uses: list[Node] = field(default_factory=list)
    types: list[Node] = field(default_factory=list)
    # Where it is passed on, so that not all its uses are known.
    escapes: list[Node] = field(default_factory=list)


def hook_of(declarator: Node, name: str) -> Node | None:
    value = field_of(declarator, "value")
    if value is None or value.type != "call_expression":
        return None
    function = text_of(field_of(value, "function") or value)
    is_empty = all(text_of(argument) in EMPTY for argument in arguments_of(value))
    return value if function in (name, f"React.{name}") and is_empty else None


def argument_texts(call: Node) -> list[str]:
    return [text_of(argument) for argument in arguments_of(call)]


def declarators(module: Module) -> list[Node]:
    return [node for node in module.nodes if node.type == "variable_declarator"]


def name_of(node: Node, key: str = "name") -> str:
    name = field_of(node, key) or field_of(node, "name")
    return text_of(name) if name else ""


def with_types(variable: ClientVariable, node: Node) -> ClientVariable | None:
    """Add the types of a declaration; None if one is more than a socket or nothing."""
    types = child(node, "type_annotation", "type_arguments")
    if types is None:
        return variable
    for part in iter_nodes(types):
        outer = part.parent
        if part.type == "type_identifier":
            if text_of(part) in _SOCKET_TYPES and (outer is None or outer.type != "generic_type"):
                variable.types.append(part)
            elif not _is_inside_socket(part, types):
                return None
        elif part.type == "generic_type":
            if text_of(field_of(part, "name") or part) not in _SOCKET_TYPES:
                return None
            variable.types.append(part)
        elif part.type in ("type_query", "nested_type_identifier", "object_type", "array_type"):
            return None
    return variable


def _is_inside_socket(part: Node, types: Node) -> bool:
    outer = part.parent
    while outer is not None and outer != types:
        if outer.type == "generic_type":
            return True
        outer = outer.parent
    return False


def with_uses(module: Module, variable: ClientVariable, skipped: set[int]) -> ClientVariable:
    kinds = ("identifier", "member_expression", "shorthand_property_identifier")
    for node in module.nodes:
        if node.type in kinds and text_of(node) in variable.names and node.id not in skipped:
            variable.uses.append(node)
    return variable
