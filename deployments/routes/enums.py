"""Write enums of TypeScript in JavaScript: an object from names to values, and from numbers to names."""

from __future__ import annotations

import json
from collections.abc import Callable

from tree_sitter import Node

from .syntax import field_of, text_of

Refuse = Callable[[Node, str, str], None]
_BY_HAND = "Give the member a number or a string, or write the enum as an object."


def javascript_of(node: Node, refuse: Refuse) -> str:
    """Return the statement that an enum becomes; members that only running it would tell are refused."""
    name, body = field_of(node, "name"), field_of(node, "body")
    called = text_of(name) if name else ""
    lines: list[str] = []
    following: int | None = 0
    for member in body.named_children if body else ():
        if member.type == "comment":
            continue
        value = field_of(member, "value")
        key = text_of(field_of(member, "name") or member) if value else text_of(member)
        key = key if key[:1] in "\"'" else json.dumps(key)
        line, following = _member(called, key, following if value is None else value)
        if line is None:
            refuse(member, f"only running the enum tells the value of {key}.", _BY_HAND)
            break
        lines.append(line)
    return f"var {called} = (({called}) => {{ {' '.join(lines)} return {called}; }})({{}});"


def _member(enum: str, key: str, value: Node | int | None) -> tuple[str | None, int | None]:
    """Return the line of a member, and the value of the next one if that follows from it."""
    if isinstance(value, int):
        return f"{enum}[{enum}[{key}] = {value}] = {key};", value + 1
    if value is not None and value.type in ("string", "template_string"):
        return f"{enum}[{key}] = {text_of(value)};", None
    if value is None or not _numeric(value):
        return None, None
    text = text_of(value)
    return f"{enum}[{enum}[{key}] = {text}] = {key};", int(text) + 1 if text.isdigit() else None


def _numeric(node: Node) -> bool:
    if node.type in ("unary_expression", "binary_expression", "parenthesized_expression"):
        return all(_numeric(part) for part in node.named_children)
    return node.type == "number"
