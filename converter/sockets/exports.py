"""Find by which names a module exports something, and the modules that import it."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from converter.javascript.bindings import scope_around
from converter.javascript.modules import LinkKind, Module, declared_names
from converter.javascript.project_state import ProjectState
from converter.javascript.syntax import field_of, text_of

_COMMONJS = ("module.exports", "exports.")


def exported_names(module: Module, names: set[str]) -> set[str]:
    """Return the names under which a module exports what it calls one of `names`."""
    return {exported for exported, node in module.exports.items() if _exports(node, names)}


def _exports(node: Node, names: set[str]) -> bool:
    value = field_of(node, "value") or field_of(node, "right") or field_of(node, "name") or node
    declared = declared_names(node) if node.type.endswith("_declaration") else []
    return text_of(value) in names or any(text_of(name) in names for name in declared)


def is_export(use: Node) -> bool:
    """Return whether a use of a name only exports it."""
    parent = use.parent
    if parent is None or parent.type in ("export_specifier", "export_statement"):
        return parent is not None
    assignment = scope_around(use, "assignment_expression")
    left, right = field_of(assignment, "left"), field_of(assignment, "right")
    is_value = right == use or (use.type == "shorthand_property_identifier" and parent == right)
    is_value = is_value or (parent.type == "pair" and parent.parent == right)
    return left is not None and is_value and text_of(left).startswith(_COMMONJS)


def importers_of(
    state: ProjectState, module: Module, exported: set[str]
) -> Iterator[tuple[Module, str | None]]:
    """Yield the modules that import one of the exported names, and their own name for it.

    The name is None if an import leaves open which uses mean it: of the whole module, or a re-export.
    """
    for reading in state.readings.values():
        for link in reading.module.links:
            if reading.targets.get(link.node.id) != module.path or link.type_only:
                continue
            whole = not link.bindings and link.kind != LinkKind.IMPORT
            if whole or link.kind in (LinkKind.EXPORT, LinkKind.DYNAMIC):
                yield reading.module, None
            for binding in link.bindings if link.kind != LinkKind.EXPORT else ():
                is_default = (
                    binding.imported == "*" and link.kind == LinkKind.REQUIRE and "default" in exported
                )
                if binding.imported in exported or is_default:
                    yield reading.module, binding.local or None
                elif binding.imported == "*":
                    yield reading.module, None
