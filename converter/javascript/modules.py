"""Read a module: its imports, its exports and the environment variables it uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tree_sitter import Node

from converter.problems import Problem, Severity

from .grammar_fixes import apply_grammar_fixes
from .syntax import Source, child, field_of, has_child, iter_nodes, parse, position_of, string_value, text_of


class LinkKind(StrEnum):
    IMPORT = "import"
    EXPORT = "export … from"
    REQUIRE = "require()"
    IMPORT_REQUIRE = "import = require()"
    DYNAMIC = "import()"


@dataclass(frozen=True)
class Binding:
    """One imported name; `imported` is `default`, `*` or a name."""

    imported: str
    local: str
    node: Node
    type_only: bool = False


@dataclass
class Link:
    """An import, re-export or require; `specifier` is None when it is not a literal."""

    kind: LinkKind
    node: Node
    literal: Node
    specifier: str | None
    bindings: list[Binding] = field(default_factory=list)
    type_only: bool = False


@dataclass
class Module:
    path: Path
    source: Source
    nodes: list[Node]
    links: list[Link] = field(default_factory=list)
    exports: dict[str, Node] = field(default_factory=dict)
    environment: set[str] = field(default_factory=set)
    is_esm: bool = False
    commonjs: Node | None = None  # the first use of CommonJS
    reexports_all: bool = False
    strict_esm: bool = False  # below "type": "module"

    def problem(
        self, node: Node, code: str, message: str, by_hand: str = "", severity: Severity = Severity.ERROR
    ) -> Problem:
        """Return a diagnostic at a node."""
        return Problem(self.source.name, *position_of(node), severity, code, message, by_hand)


def read_module(path: Path, name: str, *, esm_by_default: bool, text: bytes | None = None) -> Module:
    """Parse a file, or `text` in its place, and collect its imports, exports and variables."""
    source = apply_grammar_fixes(parse(name, path.read_bytes() if text is None else text))
    module = Module(path, source, list(iter_nodes(source.root)), strict_esm=esm_by_default)
    for node in module.nodes:
        if (collect := _COLLECTORS.get(node.type)) is not None:
            collect(module, node)
    if path.suffix in (".mjs", ".mts", ".cjs", ".cts"):
        module.is_esm = path.suffix in (".mjs", ".mts")
    elif not module.is_esm and module.commonjs is None:
        module.is_esm = esm_by_default
    return module


def _collect_import(module: Module, node: Node) -> None:
    required = child(node, "import_require_clause")
    literal = field_of(required or node, "source")
    if literal is None:
        return
    type_only = has_child(node, "type")
    if required is not None:
        local = required.named_children[0]
        bindings = [Binding("default", text_of(local), local, type_only)]
        kind = LinkKind.IMPORT_REQUIRE
    else:
        module.is_esm = True
        bindings, kind = _bindings(child(node, "import_clause"), type_only), LinkKind.IMPORT
    module.links.append(Link(kind, node, literal, string_value(literal), bindings, type_only))


def _bindings(clause: Node | None, type_only: bool) -> list[Binding]:
    bindings: list[Binding] = []
    for part in clause.named_children if clause else ():
        if part.type == "identifier":
            bindings.append(Binding("default", text_of(part), part, type_only))
        elif part.type == "namespace_import":
            bindings.append(Binding("*", text_of(part.named_children[0]), part, type_only))
        elif part.type == "named_imports":
            bindings += _named_bindings(part, type_only)
    return bindings


def _named_bindings(clause: Node | None, type_only: bool) -> list[Binding]:
    specifiers = clause.named_children if clause else []
    return [_binding(specifier, type_only) for specifier in specifiers if specifier.type != "comment"]


def _binding(specifier: Node, type_only: bool) -> Binding:
    name = field_of(specifier, "name") or specifier
    alias = field_of(specifier, "alias") or name
    imported = string_value(name) or text_of(name)
    return Binding(imported, text_of(alias), specifier, type_only or has_child(specifier, "type"))


def _collect_export(module: Module, node: Node) -> None:
    if has_child(node, "="):
        module.commonjs = module.commonjs or node
        return
    module.is_esm = True
    type_only = has_child(node, "type")
    clause = child(node, "export_clause")
    if (literal := field_of(node, "source")) is not None:
        bindings = _named_bindings(clause, type_only)
        module.links.append(Link(LinkKind.EXPORT, node, literal, string_value(literal), bindings, type_only))
        module.reexports_all |= has_child(node, "*")
    if type_only:
        return
    if has_child(node, "default"):
        module.exports["default"] = node
    for specifier in clause.named_children if clause else ():
        if specifier.type == "export_specifier" and not has_child(specifier, "type"):
            name = field_of(specifier, "alias") or field_of(specifier, "name")
            module.exports[string_value(name) or text_of(name) if name else ""] = specifier
    if (declaration := field_of(node, "declaration")) is not None:
        for declared in declared_names(declaration):
            module.exports[text_of(declared)] = declaration


_TYPES_ONLY = ("interface_declaration", "type_alias_declaration", "ambient_declaration", "function_signature")


def declared_names(declaration: Node) -> list[Node]:
    """Return the names that a declaration introduces; none for a type."""
    if declaration.type in _TYPES_ONLY:
        return []
    if (name := field_of(declaration, "name")) is not None:
        return [name]
    names: list[Node] = []
    for declarator in declaration.named_children:
        if declarator.type == "variable_declarator" and (target := field_of(declarator, "name")):
            names += bound_names(target)
    return names


def bound_names(target: Node) -> list[Node]:
    """Return the names that a pattern binds."""
    if target.type in ("identifier", "shorthand_property_identifier_pattern"):
        return [target]
    if target.type == "pair_pattern":
        value = field_of(target, "value")
        return bound_names(value) if value else []
    if target.type in ("assignment_pattern", "object_assignment_pattern"):
        left = field_of(target, "left")
        return bound_names(left) if left else []
    return [name for part in target.named_children for name in bound_names(part)]


def _collect_call(module: Module, node: Node) -> None:
    function, arguments = field_of(node, "function"), field_of(node, "arguments")
    if function is None or arguments is None or not arguments.named_children:
        return
    if (function_name := text_of(function)) not in ("require", "import"):
        return
    literal = arguments.named_children[0]
    if function_name == "import":
        module.links.append(Link(LinkKind.DYNAMIC, node, literal, string_value(literal)))
        return
    module.commonjs = module.commonjs or (node if not module.is_esm else None)
    bindings = _required_names(node)
    module.links.append(Link(LinkKind.REQUIRE, node, literal, string_value(literal), bindings))


def _required_names(call: Node) -> list[Binding]:
    declarator = call.parent
    if declarator is not None and declarator.type == "member_expression":
        name = field_of(declarator, "property")
        return [Binding(text_of(name), "", name)] if name else []
    target = field_of(declarator, "name") if declarator and declarator.type == "variable_declarator" else None
    if target is None:
        return []
    if target.type == "identifier":
        return [Binding("*", text_of(target), target)]
    bindings = []
    for part in target.named_children:
        key = field_of(part, "key") or field_of(part, "left") or part
        bindings += [Binding(text_of(key), text_of(name), part) for name in bound_names(part)]
    return bindings


def _collect_member(module: Module, node: Node) -> None:
    target, name = field_of(node, "object"), field_of(node, "property") or field_of(node, "index")
    if target is None or name is None:
        return
    owner = text_of(target)
    if owner == "process.env":
        variable = string_value(name) if name.type == "string" else text_of(name)
        if variable and name.type in ("string", "property_identifier"):
            module.environment.add(variable)
    elif (owner == "module" and text_of(name) == "exports") or owner in ("exports", "module.exports"):
        module.commonjs = module.commonjs or node
        parent = node.parent
        if parent is not None and parent.type == "assignment_expression" and field_of(parent, "left") == node:
            _collect_commonjs_export(module, owner, text_of(name), parent)


def _collect_commonjs_export(module: Module, owner: str, name: str, assignment: Node) -> None:
    if owner != "module":
        module.exports[name] = assignment
        return
    value = field_of(assignment, "right")
    module.exports["default"] = assignment
    for part in value.named_children if value is not None and value.type == "object" else ():
        key = field_of(part, "key") or field_of(part, "name") or part
        module.exports[text_of(key)] = part


def _collect_environment_pattern(module: Module, node: Node) -> None:
    """`const { A, B } = process.env`"""
    value, names = field_of(node, "value"), field_of(node, "name")
    if value is None or names is None or names.type != "object_pattern" or text_of(value) != "process.env":
        return
    for part in names.named_children:
        if part.type != "rest_pattern":
            key = field_of(part, "key") or field_of(part, "left") or part
            module.environment.add(text_of(key))


_COLLECTORS: dict[str, Callable[[Module, Node], None]] = {
    "import_statement": _collect_import,
    "export_statement": _collect_export,
    "call_expression": _collect_call,
    "member_expression": _collect_member,
    "subscript_expression": _collect_member,
    "variable_declarator": _collect_environment_pattern,
}
