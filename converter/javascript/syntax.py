"""Parse JavaScript and TypeScript by tree-sitter, and edit the text by the places of its nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePath

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language, Node, Parser

JAVASCRIPT = frozenset({".js", ".jsx", ".mjs", ".cjs"})
TYPESCRIPT = frozenset({".ts", ".tsx", ".mts", ".cts"})
# Node reads some 3,000 nested brackets with the stack that it has by default.
MAX_DEPTH = 1000
SUFFIXES = JAVASCRIPT | TYPESCRIPT
CASTS = ("as_expression", "satisfies_expression")


@cache
def _parser(name: str) -> Parser:
    grammars = {
        "javascript": tree_sitter_javascript.language,
        "typescript": tree_sitter_typescript.language_typescript,
        "tsx": tree_sitter_typescript.language_tsx,
    }
    return Parser(Language(grammars[name]()))


@dataclass
class Source:
    """A parsed file; `name` is its path as people know it, relative to the project.

    `erased` are places of types that the tree does not show.
    """

    name: str
    text: bytes
    root: Node
    erased: tuple[tuple[int, int], ...] = ()

    @property
    def is_typescript(self) -> bool:
        return PurePath(self.name).suffix in TYPESCRIPT


def parse(name: str, text: bytes) -> Source:
    """Parse a file by the grammar that its suffix asks for; a byte order mark is dropped."""
    suffix = PurePath(name).suffix
    grammar = "tsx" if suffix == ".tsx" else "typescript" if suffix in TYPESCRIPT else "javascript"
    text = text.removeprefix(b"\xef\xbb\xbf")
    return Source(name, text, _parser(grammar).parse(text).root_node)


def iter_nodes(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, in the order of the text."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting.extend(reversed(found.children))


def too_deep_node(root: Node) -> Node | None:
    """Return the first node that lies deeper than parsers are sure to follow."""
    level = [root]
    for _ in range(MAX_DEPTH):
        if not (level := [below for node in level for below in node.children]):
            return None
    return level[0]


def text_of(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def place(node: Node) -> tuple[int, int]:
    """Return the line and the column of a node, counted from 1."""
    return node.start_point.row + 1, node.start_point.column + 1


def child(node: Node | None, *types: str) -> Node | None:
    """Return the first child that is of one of the types."""
    return next((found for found in node.children if found.type in types), None) if node else None


def has_child(node: Node, *types: str) -> bool:
    return child(node, *types) is not None


def field_of(node: Node | None, name: str) -> Node | None:
    return node.child_by_field_name(name) if node else None


def string_value(node: Node | None) -> str | None:
    """Return what a string literal says; None for anything else, templates with gaps included."""
    if node is None or node.type not in ("string", "template_string"):
        return None
    parts = node.named_children
    if any(part.type not in ("string_fragment", "escape_sequence") for part in parts):
        return None
    try:
        return "".join(text_of(p) if p.type == "string_fragment" else _escape(text_of(p)) for p in parts)
    except (ValueError, OverflowError):
        return None  # an escape that names no character


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


def _escape(written: str) -> str:
    letter, rest = written[1:2], written[2:].strip("{}")
    if letter in ("u", "x") and rest:
        return chr(int(rest, 16))
    return "" if letter in ("\n", "\r") else _ESCAPES.get(letter, written[1:])


@dataclass
class Edits:
    """Replacements in a text, collected and made at once; one inside a larger one is dropped."""

    text: bytes
    _made: list[tuple[int, int, str]] = field(default_factory=list)

    def replace(self, start: int, end: int, new: str = "") -> None:
        self._made.append((start, end, new))

    def node(self, node: Node, new: str = "") -> None:
        self.replace(node.start_byte, node.end_byte, new)

    def covers(self, node: Node) -> bool:
        """Say whether a node is replaced or taken out, alone or with what is around it."""
        return any(a <= node.start_byte and node.end_byte <= b and a < b for a, b, _ in self._made)

    def removed(self) -> list[tuple[int, int]]:
        return sorted((a, b) for a, b, _ in self._made if a < b)

    def apply(self) -> str:
        """Return the edited text; a line that only held what was taken out goes with it."""
        out = bytearray()
        at = 0
        for start, end, new in sorted(self._made, key=lambda edit: (edit[0], edit[0] != edit[1], -edit[1])):
            if start < at:
                continue
            taken = not new and end > start
            first, last = self._whole_lines(start, end, at) if taken else (start, end)
            out += self.text[at:first] + new.encode()
            at = last
            if last > end and self.text[at : at + 1] == b"\n" and (not out or out.endswith(b"\n\n")):
                at += 1
        return (out + self.text[at:]).decode("utf-8", "replace")

    def _whole_lines(self, start: int, end: int, floor: int) -> tuple[int, int]:
        """Return the lines around a place if they hold nothing else, or the place as it is."""
        first = self.text.rfind(b"\n", 0, start) + 1
        last = self.text.find(b"\n", end)
        last = len(self.text) if last < 0 else last + 1
        if first < floor or self.text[first:start].strip() or self.text[end:last].strip(b" \t\r\n"):
            return start, end
        return first, last
