"""Write enums of TypeScript in JavaScript: an object from names to values, and from numbers to names."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tree_sitter import Node

from .syntax import field_of, string_value, text_of

Refuse = Callable[[Node, str, str], None]
Kind = Literal["number", "string"]
_BY_HAND = "Give the member a number or a string, or write the enum as an object."
_ARITHMETIC = ("+", "-", "*", "/", "%", "**", "<<", ">>", ">>>", "&", "|", "^", "~")


@dataclass
class _Enum:
    """An enum so far: its name, and of each member whether it is a number or a string."""

    name: str
    kinds: dict[str, Kind] = field(default_factory=dict)
    last: str | None = None

    def own(self, member: str) -> str:
        return f"{self.name}[{json.dumps(member)}]"


def javascript_of(node: Node, refuse: Refuse) -> str:
    """Return the statement that an enum becomes; members that only running it would tell are refused."""
    name, body = field_of(node, "name"), field_of(node, "body")
    enum = _Enum(text_of(name) if name else "")
    lines: list[str] = []
    for member in body.named_children if body else ():
        if member.type == "comment":
            continue
        value = field_of(member, "value")
        key = field_of(member, "name") or member
        called = string_value(key) or text_of(key)
        written = _following(enum) if value is None else _written(enum, value)
        if written is None:
            refuse(member, f'only running the enum tells the value of "{called}".', _BY_HAND)
            break
        lines.append(_line(enum, called, *written))
    return f"var {enum.name} = (({enum.name}) => {{ {' '.join(lines)} return {enum.name}; }})({{}});"


def _line(enum: _Enum, member: str, text: str, kind: Kind) -> str:
    enum.kinds[member], enum.last = kind, member
    if kind == "string":
        return f"{enum.own(member)} = {text};"
    return f"{enum.name}[{enum.own(member)} = {text}] = {json.dumps(member)};"


def _following(enum: _Enum) -> tuple[str, Kind] | None:
    """Return the value of a member that names none: one more than the number before it."""
    if enum.last is None:
        return "0", "number"
    return (f"{enum.own(enum.last)} + 1", "number") if enum.kinds[enum.last] == "number" else None


def _written(enum: _Enum, node: Node) -> tuple[str, Kind] | None:
    """Return a constant with the members that it names; None for what is no constant."""
    if node.type == "number":
        return text_of(node), "number"
    if string_value(node) is not None:
        return text_of(node), "string"
    if node.type == "parenthesized_expression":
        inner = _written(enum, node.named_children[0])
        return (f"({inner[0]})", inner[1]) if inner else None
    if node.type in ("unary_expression", "binary_expression"):
        return _reckoned(enum, node)
    member = _member(enum, node)
    return (enum.own(member), enum.kinds[member]) if member in enum.kinds else None


def _reckoned(enum: _Enum, node: Node) -> tuple[str, Kind] | None:
    operator = text_of(field_of(node, "operator") or node)
    parts = [_written(enum, part) for part in node.named_children if part.type != "comment"]
    known = [part for part in parts if part is not None]
    if operator not in _ARITHMETIC or len(known) != len(parts):
        return None
    kind: Kind = "string" if any(kind == "string" for _, kind in known) else "number"
    if len(known) == 1:
        return f"{operator}{known[0][0]}", "number"
    return f"{known[0][0]} {operator} {known[1][0]}", kind


def _member(enum: _Enum, node: Node) -> str:
    """Return the member that `A`, `Enum.A` or `Enum["A"]` names."""
    owner, inner = field_of(node, "object"), field_of(node, "property") or field_of(node, "index")
    if node.type == "identifier":
        return text_of(node)
    if owner is None or inner is None or text_of(owner) != enum.name:
        return ""
    return string_value(inner) or text_of(inner)
