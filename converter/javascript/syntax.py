"""Parse JavaScript and TypeScript with tree-sitter, and edit the text by node positions."""

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
# With its default stack, Node parses about 3,000 nested brackets.
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
    """A parsed file. `name` is its path in the project; `erased` are spans of types missing from the tree."""

    name: str
    text: bytes
    root: Node
    erased: tuple[tuple[int, int], ...] = ()

    @property
    def is_typescript(self) -> bool:
        return PurePath(self.name).suffix in TYPESCRIPT


def parse(name: str, text: bytes) -> Source:
    """Parse a file with the grammar for its suffix; a byte order mark is dropped."""
    suffix = PurePath(name).suffix
    grammar = "tsx" if suffix == ".tsx" else "typescript" if suffix in TYPESCRIPT else "javascript"
    text = text.removeprefix(b"\xef\xbb\xbf")
    return Source(name, text, _parser(grammar).parse(text).root_node)


def iter_nodes(*roots: Node) -> Iterator[Node]:
    """Yield the nodes of trees in source order, each before its children."""
    stack = list(reversed(roots))
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.children))


def too_deep_node(root: Node) -> Node | None:
    """Return the first node below MAX_DEPTH levels."""
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [below for node in level for below in node.children]
        if not level:
            return None
    return level[0]


def text_of(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def position_of(node: Node) -> tuple[int, int]:
    """Return the line and column of a node, from 1."""
    return node.start_point.row + 1, node.start_point.column + 1


def child(node: Node | None, *types: str) -> Node | None:
    """Return the first child of one of the types."""
    return next((part for part in node.children if part.type in types), None) if node else None


def has_child(node: Node, *types: str) -> bool:
    return child(node, *types) is not None


def field_of(node: Node | None, name: str) -> Node | None:
    return node.child_by_field_name(name) if node else None


def string_value(node: Node | None) -> str | None:
    """Return the value of a string literal; None for anything else, such as a template with substitutions."""
    if node is None or node.type not in ("string", "template_string"):
        return None
    parts = node.named_children
    if any(part.type not in ("string_fragment", "escape_sequence") for part in parts):
        return None
    try:
        return "".join(text_of(p) if p.type == "string_fragment" else _escape(text_of(p)) for p in parts)
    except (ValueError, OverflowError):
        return None  # an invalid escape


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


def _escape(sequence: str) -> str:
    letter, rest = sequence[1:2], sequence[2:].strip("{}")
    if letter in ("u", "x") and rest:
        return chr(int(rest, 16))
    return "" if letter in ("\n", "\r") else _ESCAPES.get(letter, sequence[1:])


@dataclass
class Edits:
    """Replacements in a text, applied together; one inside a larger one is dropped."""

    text: bytes
    _edits: list[tuple[int, int, str]] = field(default_factory=list)

    def replace(self, start: int, end: int, new: str = "") -> None:
        self._edits.append((start, end, new))

    def node(self, node: Node, new: str = "") -> None:
        self.replace(node.start_byte, node.end_byte, new)

    def once(self, at: int, new: str) -> None:
        """Insert a text, unless it was inserted there before."""
        if (at, at, new) not in self._edits:
            self._edits.append((at, at, new))

    def apply(self) -> str:
        """Return the edited text; lines left blank by a removal are removed too."""
        out = bytearray()
        at = 0
        for start, end, new in sorted(self._edits, key=lambda edit: (edit[0], edit[0] != edit[1], -edit[1])):
            if start < at:
                continue
            is_removal = not new and end > start
            first, last = self._whole_lines(start, end, at) if is_removal else (start, end)
            out += self.text[at:first] + new.encode()
            at = last
            if last > end and self.text[at : at + 1] == b"\n" and (not out or out.endswith(b"\n\n")):
                at += 1
        return (out + self.text[at:]).decode("utf-8", "replace")

    def _whole_lines(self, start: int, end: int, floor: int) -> tuple[int, int]:
        """Widen a span to whole lines if they contain nothing else."""
        first = self.text.rfind(b"\n", 0, start) + 1
        last = self.text.find(b"\n", end)
        last = len(self.text) if last < 0 else last + 1
        if first < floor or self.text[first:start].strip() or self.text[end:last].strip(b" \t\r\n"):
            return start, end
        return first, last
