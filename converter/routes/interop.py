"""Import transpiled CommonJS packages as Next does.

Next's bundler gives `exports.default` of a package that sets `__esModule`. Node and esbuild give an importer
named .mjs `module.exports` instead, so the generated code chooses at run time. Sources that are strict ES
modules (.mjs, or .js below "type": "module") get `module.exports` from Next as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from tree_sitter import Node

from converter.javascript.modules import Binding, Link, Module
from converter.javascript.syntax import child, field_of, text_of
from converter.problems import Problem, Severity


def is_strict_esm(module: Module) -> bool:
    return module.path.suffix == ".mjs" or (module.path.suffix == ".js" and module.strict_esm)


def needs_interop(module: Module, link: Link, kept: list[Binding]) -> list[Binding]:
    """Return the imported names whose value depends on how the package was compiled."""
    if link.type_only or is_strict_esm(module):
        return []
    values = [binding for binding in kept if not binding.type_only]
    return [
        binding
        for binding in values
        if binding.imported == "default"
        or (binding.imported == "*" and _reads_default(module, binding.local))
    ]


def _reads_default(module: Module, name: str) -> bool:
    """Return whether a namespace is used in another way than by its named exports."""
    uses = [node for node in module.nodes if node.type == "identifier" and text_of(node) == name]
    return any(not _is_named_access(node) for node in uses if not _is_import(node))


def _is_import(node: Node) -> bool:
    return node.parent is not None and node.parent.type == "namespace_import"


def _is_named_access(node: Node) -> bool:
    parent = node.parent
    if parent is None or parent.type not in (
        "member_expression",
        "nested_identifier",
        "nested_type_identifier",
    ):
        return False
    return text_of(field_of(parent, "property") or parent) != "default"


def type_name_among(module: Module, bindings: list[Binding]) -> str:
    """Return the first of the names that is used as a type, which a constant cannot be."""
    names = [binding.local for binding in bindings]
    types = {text_of(node) for node in module.nodes if node.type == "type_identifier"}
    types |= {
        text_of(field_of(node, "module") or node)
        for node in module.nodes
        if node.type == "nested_type_identifier"
    }
    return next((name for name in names if name in types), "")


def interop_warning(module: Module, link: Link, name: str) -> Problem:
    message = (
        f"{name} is used as a type and as a value; if {link.specifier} is transpiled CommonJS, "
        f"the function gets {name}.default in its place."
    )
    by_hand = "Convert without --typescript, or import the type by a statement of its own: import type."
    return module.problem(link.node, "commonjs-default", message, by_hand, Severity.WARNING)


def default_of(name: str, *, typed: bool) -> str:
    """Return the expression for the default export of a package whose default import is `name`."""
    if not typed:
        return f"{name}?.__esModule ? {name}.default : {name}"
    value = f"(({name} as any)?.__esModule ? ({name} as any).default : {name})"
    return f"{value} as typeof {name} extends {{ default: infer D }} ? D : typeof {name}"


def namespace_of(name: str, *, typed: bool) -> str:
    """Return the expression for the namespace of a package that was imported as the namespace `name`."""
    if not typed:
        return f"{name}.default?.__esModule ? {name}.default : {name}"
    value = f"(({name} as any).default?.__esModule ? ({name} as any).default : {name})"
    return f"{value} as typeof {name}"


def import_statements(
    temporary: Callable[[], str], specifier: str, kept: list[Binding], *, typed: bool
) -> str:
    """Return the import of a package, and constants for its default export and its namespace."""
    source, lines, constants = json.dumps(specifier), list[str](), list[str]()
    named = [binding for binding in kept if binding.imported not in ("default", "*")]
    if named:
        lines.append(f"import {{ {', '.join(map(_specifier, named))} }} from {source};")
    for binding in kept:
        if binding.imported not in ("default", "*"):
            continue
        local, is_default = temporary(), binding.imported == "default"
        lines.append(f"import {local if is_default else f'* as {local}'} from {source};")
        value = (default_of if is_default else namespace_of)(local, typed=typed)
        constants.append(f"const {binding.local} = {value};")
    return " ".join([*lines, *constants])


def _specifier(binding: Binding) -> str:
    name = binding.imported if binding.imported.isidentifier() else json.dumps(binding.imported)
    prefix = "type " if binding.type_only else ""
    return prefix + (name if name == binding.local else f"{name} as {binding.local}")


def export_statements(
    module: Module, temporary: Callable[[], str], link: Link, specifier: str, *, typed: bool
) -> str:
    """Return the re-export of a package's default export or namespace; empty for other re-exports."""
    namespace = child(link.node, "namespace_export")
    defaults = [binding for binding in link.bindings if binding.imported == "default"]
    if link.type_only or is_strict_esm(module) or not (namespace or defaults):
        return ""
    source, local, value = json.dumps(specifier), temporary(), temporary()
    if namespace is not None:
        constant = f"const {value} = {namespace_of(local, typed=typed)};"
        name = text_of(namespace.named_children[0])
        return f"import * as {local} from {source}; {constant} export {{ {value} as {name} }};"
    lines = [f"import {local} from {source};", f"const {value} = {default_of(local, typed=typed)};"]
    lines.append(f"export {{ {', '.join(f'{value} as {binding.local}' for binding in defaults)} }};")
    if others := [binding for binding in link.bindings if binding.imported != "default"]:
        lines.append(f"export {{ {', '.join(map(_specifier, others))} }} from {source};")
    return " ".join(lines)
