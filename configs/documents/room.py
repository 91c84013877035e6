"""The room of a document, divided among an agent's parts: each fits by itself, so they fit together.

An agent that can be saved can therefore be exported and imported again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import yaml

MAX_CHARACTERS = 512 * 1024
# Entries as YAML's parser counts them: a scalar is one, a mapping or a list two and what is in it.
MAX_ENTRIES = 16_000
_KB = 1024
_WIDTH = 100
# A line of one character has as many of indentation, in the deepest document.
_MOST_GROWTH = 25


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write each value where it is: a document has no aliases."""
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Only in double quotes is U+0085 escaped; elsewhere it is read back as the end of a line.
    style = '"' if "\x85" in text else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def dump(content: Any) -> str:
    """Return a document's content as YAML."""
    return str(yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH))


@dataclass(frozen=True)
class Room:
    """What one part of an agent may take of its document."""

    characters: int
    entries: int

    def overflow(self, part: Any) -> str:
        """Return how much too large a part of a document is, in words; empty if it fits."""
        if _MOST_GROWTH * len(json.dumps(part, ensure_ascii=False)) <= self.characters:
            return ""
        entries, most = _entries(part), self.entries
        if entries > most:
            return f"has {entries:,} entries, {entries - most:,} more than fit into an agent's document"
        size, most = len(dump(part)), self.characters
        if size > most:
            size, most = -(-size // _KB), most // _KB
            return f"takes {size} KB of {most} KB in an agent's document, {size - most} KB too much"
        return ""


TOOLS = Room(256 * _KB, 12_000)
SKILLS = Room(144 * _KB, 2000)
# The names of 200 files, the longest instructions, and all other fields, which have limits of their own.
REST = Room(112 * _KB, 2000)


def _entries(value: Any) -> int:
    """Return how many entries a value has, as YAML's parser counts them."""
    count, inner = 0, [value]
    while inner:
        each = inner.pop()
        count += 2 if isinstance(each, dict | list) else 1
        if isinstance(each, dict):
            count += len(each)
            inner += each.values()
        elif isinstance(each, list):
            inner += each
    return count
