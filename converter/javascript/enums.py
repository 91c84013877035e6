"""Compile TypeScript enums to JavaScript objects that map names to values, and numbers back to names."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tree_sitter import Node

from .syntax import field_of, string_value, text_of

Refuse = Callable[[Node, str, str], None]
Kind = Literal["number", "string"]
_BY_HAND = "Give the member a constant number or string, or write the enum as an object."
_OPERATORS = ("+", "-", "*", "/", "%", "**", "<<", ">>", ">>>", "&", "|", "^", "~")


@dataclass
class _Enum:
    """An enum and the kinds of the members compiled so far."""

    name: str
    kinds: dict[str, Kind] = field(default_factory=dict)
    last: str | None = None

    def reference(self, member: str) -> str:
        return f"{self.name}[{json.dumps(member)}]"


def enum_to_javascript(node: Node, refuse: Refuse) -> str:
    """Return the statement for an enum; calls `refuse` for a member that is not constant."""
    name, body = field_of(node, "name"), field_of(node, "body")
    enum = _Enum(text_of(name) if name else "")
    lines: list[str] = []
    for member in body.named_children if body else ():
        if member.type == "comment":
            continue
        value = field_of(member, "value")
        key = field_of(member, "name") or member
        member_name = string_value(key) or text_of(key)
        compiled = _next_value(enum) if value is None else _constant(enum, value)
        if compiled is None:
            refuse(member, f'the value of "{member_name}" is not a constant.', _BY_HAND)
            break
        lines.append(_assignment(enum, member_name, *compiled))
    return f"var {enum.name} = (({enum.name}) => {{ {' '.join(lines)} return {enum.name}; }})({{}});"


def _assignment(enum: _Enum, member: str, text: str, kind: Kind) -> str:
    enum.kinds[member], enum.last = kind, member
    if kind == "string":
        return f"{enum.reference(member)} = {text};"
    return f"{enum.name}[{enum.reference(member)} = {text}] = {json.dumps(member)};"


def _next_value(enum: _Enum) -> tuple[str, Kind] | None:
    """Return the value of a member without an initializer: one more than the number before it."""
    if enum.last is None:
        return "0", "number"
    return (f"{enum.reference(enum.last)} + 1", "number") if enum.kinds[enum.last] == "number" else None


def _constant(enum: _Enum, node: Node) -> tuple[str, Kind] | None:
    """Return a constant expression, which may refer to earlier members; None for anything else."""
    if node.type == "number":
        return text_of(node), "number"
    if string_value(node) is not None:
        return text_of(node), "string"
    if node.type == "parenthesized_expression":
        inner = _constant(enum, node.named_children[0])
        return (f"({inner[0]})", inner[1]) if inner else None
    if node.type in ("unary_expression", "binary_expression"):
        return _operation(enum, node)
    member = _member(enum, node)
    return (enum.reference(member), enum.kinds[member]) if member in enum.kinds else None


def _operation(enum: _Enum, node: Node) -> tuple[str, Kind] | None:
    operator = text_of(field_of(node, "operator") or node)
    operands = [_constant(enum, part) for part in node.named_children if part.type != "comment"]
    constants = [operand for operand in operands if operand is not None]
    if operator not in _OPERATORS or len(constants) != len(operands):
        return None
    if len(constants) == 1:
        return f"{operator}{constants[0][0]}", "number"
    kind: Kind = "string" if any(kind == "string" for _, kind in constants) else "number"
    return f"{constants[0][0]} {operator} {constants[1][0]}", kind


def _member(enum: _Enum, node: Node) -> str:
    """Return the member that `A`, `Enum.A` or `Enum["A"]` refers to."""
    owner, inner = field_of(node, "object"), field_of(node, "property") or field_of(node, "index")
    if node.type == "identifier":
        return text_of(node)
    if owner is None or inner is None or text_of(owner) != enum.name:
        return ""
    return string_value(inner) or text_of(inner)
