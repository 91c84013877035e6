"""Put right what the grammar of TypeScript reads wrongly, before anybody looks at the tree.

The parser is given another text of the same length, so that no place moves: `x as A.B.C`, which it takes
for the member C of a cast, with one name in place of the dotted one; and `` f<T>`…` `` and
`f<typeof import("a")>(b)`, which it takes for two comparisons, without the types. The source keeps its own
text.
"""

from __future__ import annotations

from dataclasses import replace

from tree_sitter import Node

from .syntax import CASTS, Source, child, field_of, has_child, iter_nodes, parse

_BEGINS = ("template_string", "parenthesized_expression")
_MAX_TYPE_BYTES = 2000  # bytes that the types of one call may take


def apply_grammar_fixes(source: Source) -> Source:
    """Return a source as TypeScript reads it, with the places of types that are not in the tree."""
    if not source.is_typescript:
        return source
    text, root, erased = bytearray(source.text), source.root, set(source.erased)
    while True:
        nodes = list(iter_nodes(root))
        begins = (*_BEGINS, "(") if root.has_error else _BEGINS
        tags = {place for node in nodes if (place := _types_of_call(bytes(text), node, begins)) is not None}
        gaps = [gap for node in nodes if (gap := _gap_behind_cast(node)) and b"\n" not in text[slice(*gap)]]
        if not tags and not gaps:
            return replace(source, root=root, erased=tuple(sorted(erased)))
        erased |= tags
        for start, end in tags:
            text[start:end] = bytes(10 if byte == 10 else 32 for byte in text[start:end])
        for start, end in gaps:
            text[start:end] = b"_" * (end - start)
        root = parse(source.name, bytes(text)).root


def is_misread(node: Node) -> bool:
    """Say whether the grammar reads here what the language does not: a type over the end of a line."""
    if node.type in ("lookup_type", "array_type") and (bracket := child(node, "[")) is not None:
        before = bracket.prev_sibling
        return before is not None and before.end_point.row < bracket.start_point.row
    return _gap_behind_cast(node) is not None


def _gap_behind_cast(node: Node) -> tuple[int, int] | None:
    """Return where the dot is of a member that a cast without brackets has, which none can have."""
    if node.type != "member_expression" or has_child(node, "optional_chain"):
        return None
    owner, name = field_of(node, "object"), field_of(node, "property")
    return (owner.end_byte, name.start_byte) if owner and name and owner.type in CASTS else None


def _types_of_call(text: bytes, node: Node, begins: tuple[str, ...]) -> tuple[int, int] | None:
    """Return where the types are that stand before a template string, or before arguments."""
    if node.type not in begins:
        return None
    end = len(text[: node.start_byte].rstrip())
    if text[end - 1 : end] != b">" or text[end - 2 : end] == b"=>":
        return None
    start = text.rfind(b"<", max(0, end - _MAX_TYPE_BYTES), end)
    while start > 0:
        if _are_types(text[start:end]):
            return start, end
        start = text.rfind(b"<", max(0, end - _MAX_TYPE_BYTES), start)
    return None


def _are_types(text: bytes) -> bool:
    if b"&&" in text or b"||" in text:
        return False  # the grammar takes an empty part of `|` and `&` for a type
    root = parse("types.ts", b"type A = B" + text + b";").root
    return not root.has_error and len(root.named_children) == 1
