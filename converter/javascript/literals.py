"""Evaluate literals in source code, and JSON with comments (tsconfig.json)."""

from __future__ import annotations

from typing import Any

from tree_sitter import Node

from .syntax import field_of, parse, string_value, text_of


class NotLiteral(ValueError):
    """Raised for a value that is not a literal; `node` is the part that is not."""

    def __init__(self, node: Node) -> None:
        super().__init__(f"not a literal: {text_of(node)[:60]}")
        self.node = node


_CONSTANTS = {"true": True, "false": False, "null": None, "undefined": None}
_WRAPPERS = ("parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression")


def value_of(node: Node) -> Any:
    """Return the value of a literal; raises NotLiteral."""
    try:
        return _value_of(node)
    except RecursionError as error:
        raise NotLiteral(node) from error  # nested too deeply


def _value_of(node: Node) -> Any:
    if node.type in _CONSTANTS:
        return _CONSTANTS[node.type]
    if node.type in _WRAPPERS:
        return value_of(node.named_children[0])
    if node.type == "number":
        return _number(node)
    if node.type == "unary_expression" and text_of(node.children[0]) == "-":
        value = value_of(node.children[1])
        if not isinstance(value, int | float):
            raise NotLiteral(node)
        return -value
    if node.type == "array":
        return [value_of(part) for part in node.named_children if part.type != "comment"]
    if node.type == "object":
        return _object(node)
    if (text := string_value(node)) is not None:
        return text
    raise NotLiteral(node)


def _number(node: Node) -> int | float:
    text = text_of(node).replace("_", "")
    try:
        return int(text, 0)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError as error:
        raise NotLiteral(node) from error  # 10n


def _object(node: Node) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for part in node.named_children:
        if part.type == "comment":
            continue
        key, value = field_of(part, "key"), field_of(part, "value")
        if part.type != "pair" or key is None or value is None or key.type == "computed_property_name":
            raise NotLiteral(part)
        values[string_value(key) if key.type == "string" else text_of(key)] = value_of(value)  # type: ignore[index]
    return values


def json_with_comments(name: str, text: bytes) -> Any:
    """Parse JSON that may contain comments and trailing commas; raises NotLiteral."""
    root = parse(f"{name}.js", b"(" + text.removeprefix(b"\xef\xbb\xbf") + b"\n)").root
    if root.has_error or not root.named_children:
        raise NotLiteral(root)
    statement = next(part for part in root.named_children if part.type != "comment")
    return value_of(statement.named_children[0])
