"""Find the properties of the global object that a module uses and changes."""

from __future__ import annotations

from collections.abc import Iterator

from .changes import Change, resolved
from .stateful import Reading

_GLOBALS = ("globalThis", "global")
_MEMBERS = ("member_expression", "subscript_expression")


def used_globals(reading: Reading) -> set[str]:
    """Return the properties that a module uses, also by another name of the global object."""
    if b"global" not in reading.module.source.text:
        return set()
    nodes = (node for node in reading.module.nodes if node.type in _MEMBERS)
    paths = (resolved(reading.bindings, node, is_content=True)[0] for node in nodes)
    return {path[1] for path in paths if path[0] in _GLOBALS and len(path) > 1}


def changed_globals(reading: Reading) -> Iterator[tuple[str, Change]]:
    """Yield the properties that a module changes."""
    for change in reading.changes:
        if change.path[0] in _GLOBALS and len(change.path) > 1:
            yield change.path[1], change
