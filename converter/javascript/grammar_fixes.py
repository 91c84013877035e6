"""Work around four constructs that the TypeScript grammar of tree-sitter parses wrongly.

- `x as A.B.C` is parsed as the member C of a cast;
- `` f<T>`…` `` and `f<typeof import("a")>(b)` are parsed as two comparisons;
- `a < b.c`, with an arrow function further down, is parsed as type arguments that never end.

The parser gets a corrected text of the same length, so that all offsets stay valid: one name in place of the
dotted one, blanks in place of the type arguments, `>` in place of `<`. The source keeps its original text.
"""

from __future__ import annotations

from dataclasses import replace

from tree_sitter import Node

from .syntax import CASTS, Source, child, field_of, has_child, iter_nodes, parse

Span = tuple[int, int]
_AFTER_TYPE_ARGUMENTS = ("template_string", "parenthesized_expression")
_MOST_COMPARISONS = 50  # that are corrected in one file
_MAX_TYPE_BYTES = 2000  # of the type arguments of one call


def apply_grammar_fixes(source: Source) -> Source:
    """Return the source parsed correctly; `erased` holds the type arguments missing from the tree."""
    if not source.is_typescript:
        return source
    text, erased = bytearray(source.text), set(source.erased)
    root = _with_comparisons(source.name, text, source.root)
    while True:
        nodes = list(iter_nodes(root))
        starts = (*_AFTER_TYPE_ARGUMENTS, "(") if root.has_error else _AFTER_TYPE_ARGUMENTS
        types = {span for node in nodes if (span := _type_arguments(bytes(text), node, starts)) is not None}
        dots = [span for node in nodes if (span := _dot_after_cast(node)) and b"\n" not in text[slice(*span)]]
        if not types and not dots:
            return replace(source, root=root, erased=tuple(sorted(erased)))
        erased |= types
        for start, end in types:
            text[start:end] = bytes(10 if byte == 10 else 32 for byte in text[start:end])
        for start, end in dots:
            text[start:end] = b"_" * (end - start)
        root = parse(source.name, bytes(text)).root


def _with_comparisons(name: str, text: bytearray, root: Node) -> Node:
    """Correct, one by one, the comparisons whose correction leaves less that is not understood."""
    for _ in range(_MOST_COMPARISONS):
        wrong = _not_understood(root)
        for at in sorted({at for start, _ in wrong if (at := _comparison_before(text, start)) >= 0}):
            text[at : at + 1] = b">"
            tried = parse(name, bytes(text)).root
            if _size(_not_understood(tried)) < _size(wrong):
                root = tried
                break
            text[at : at + 1] = b"<"
        else:
            return root
    return root


def _not_understood(root: Node) -> list[Span]:
    if not root.has_error:
        return []
    return [node.byte_range for node in iter_nodes(root) if node.is_error or node.is_missing]


def _size(spans: list[Span]) -> int:
    return sum(1 + end - start for start, end in spans)


def _comparison_before(text: bytearray, end: int) -> int:
    """Return the position of the last `<` between blanks before `end`, which type arguments do not have."""
    at = text.rfind(b" < ", max(0, end - _MAX_TYPE_BYTES), end + 1)
    return at + 1 if at >= 0 else -1


def is_misread(node: Node) -> bool:
    """Return whether the grammar misparsed this node: a type that continues on the next line."""
    if node.type in ("lookup_type", "array_type") and (bracket := child(node, "[")) is not None:
        before = bracket.prev_sibling
        return before is not None and before.end_point.row < bracket.start_point.row
    return _dot_after_cast(node) is not None


def _dot_after_cast(node: Node) -> Span | None:
    """Return the span of the dot in a member access on an unparenthesized cast, which is never valid."""
    if node.type != "member_expression" or has_child(node, "optional_chain"):
        return None
    owner, name = field_of(node, "object"), field_of(node, "property")
    return (owner.end_byte, name.start_byte) if owner and name and owner.type in CASTS else None


def _type_arguments(text: bytes, node: Node, starts: tuple[str, ...]) -> Span | None:
    """Return the span of the type arguments before a template string or an argument list."""
    if node.type not in starts:
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
        return False  # the grammar accepts an empty operand of `|` and `&` as a type
    root = parse("types.ts", b"type A = B" + text + b";").root
    return not root.has_error and len(root.named_children) == 1
