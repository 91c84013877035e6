"""Generate a converted module: its code with rewritten imports, and without types unless they are kept."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tree_sitter import Node

from converter.javascript.modules import Binding, Link, LinkKind, Module
from converter.javascript.syntax import Edits, child, field_of, has_child, text_of
from converter.javascript.type_stripper import strip
from converter.problems import Problem

from .compatibility import is_builtin
from .interop import (
    export_statements,
    import_statements,
    interop_warning,
    is_strict_esm,
    namespace_of,
    needs_interop,
    type_name_among,
)
from .layout import header


@dataclass(frozen=True)
class ResolvedLink:
    """A link and its new specifier; `commonjs` marks a generated CommonJS file as its target."""

    link: Link
    specifier: str
    commonjs: bool = False
    dropped: bool = False
    adapter: bool = False
    package: bool = False


@dataclass
class ModuleRewriter:
    module: Module
    edits: Edits
    keep_types: bool
    used: set[str] | None  # None keeps every import
    problems: list[Problem]
    temporaries: int = 0

    def temporary(self) -> str:
        self.temporaries += 1
        return f"imported{self.temporaries}"


def used_names(module: Module, *, keep_types: bool) -> set[str] | None:
    """Return the names used as values; TypeScript drops imports of other names. None keeps every import."""
    if keep_types or not module.source.is_typescript:
        return None
    return strip(module.source, Edits(module.source.text)).used


def is_elided(link: Link, used: set[str] | None) -> bool:
    """Return whether an import disappears with the types."""
    if used is None:
        return False
    if link.type_only:
        return True
    if link.kind not in (LinkKind.IMPORT, LinkKind.IMPORT_REQUIRE) or not link.bindings:
        return False
    return all(b.type_only or b.local not in used for b in link.bindings)


def rewrite(module: Module, links: list[ResolvedLink], *, keep_types: bool) -> tuple[str, list[Problem]]:
    """Return the text of the converted module, and what could not be rewritten."""
    edits = Edits(module.source.text)
    used: set[str] | None = None
    problems: list[Problem] = []
    if (first := child(module.source.root, "hash_bang_line")) is not None:
        edits.node(first)  # only allowed on the first line
    if module.source.is_typescript and not keep_types:
        stripped = strip(module.source, edits)
        used, problems = stripped.used, stripped.problems
    elif module.source.is_typescript:
        _replace_type_assertions(module, edits)
    work = ModuleRewriter(module, edits, keep_types, used, problems)
    for resolved in links:
        _HANDLERS[resolved.link.kind](work, resolved)
    for link in module.links:
        if is_elided(link, used):
            edits.node(link.node)
    return header(module.source.name) + edits.apply(), problems


def _replace_type_assertions(module: Module, edits: Edits) -> None:
    """Replace `<T>x` with `x as T`: .mts and .cts files do not allow the former."""
    for node in module.nodes:
        if node.type == "type_assertion":
            types, value = node.named_children
            edits.node(types, "(")
            edits.replace(value.end_byte, value.end_byte, f" as {text_of(types)[1:-1]})")


def _literal(work: ModuleRewriter, resolved: ResolvedLink) -> None:
    quote = text_of(resolved.link.literal)[:1]
    literal = json.dumps(resolved.specifier)
    work.edits.node(resolved.link.literal, f"'{literal[1:-1]}'" if quote == "'" else literal)


def _import(work: ModuleRewriter, resolved: ResolvedLink) -> None:
    link = resolved.link
    if resolved.dropped:
        work.edits.node(link.node)
        return
    kept = [b for b in link.bindings if work.used is None or (not b.type_only and b.local in work.used)]
    if resolved.package and (wrapped := needs_interop(work.module, link, kept)):
        if work.keep_types and (name := type_name_among(work.module, wrapped)):
            work.problems.append(interop_warning(work.module, link, name))
        else:
            work.edits.node(
                link.node, import_statements(work.temporary, resolved.specifier, kept, typed=work.keep_types)
            )
            return
    unpack = resolved.commonjs and not link.type_only
    if not unpack and len(kept) == len(link.bindings) and not has_child(link.node, "import_attribute"):
        _literal(work, resolved)
        return
    work.edits.node(link.node, _import_statement(work, resolved, kept, unpack=unpack))


def _import_statement(
    work: ModuleRewriter, resolved: ResolvedLink, kept: list[Binding], *, unpack: bool
) -> str:
    """Return a new import statement; the names of a CommonJS module are read from its default export."""
    source = json.dumps(resolved.specifier)
    default = next((b.local for b in kept if b.imported == "default"), "")
    space = next((b.local for b in kept if b.imported == "*"), "")
    named = [b for b in kept if b.imported not in ("default", "*")]
    if not kept:
        return f"import {source};"
    if not unpack:
        inner = ", ".join(_rename(b, " as ") for b in named)
        parts = [default, f"* as {space}" if space else "", f"{{ {inner} }}" if named else ""]
        return f"import {', '.join(filter(None, parts))} from {source};"
    local = default or space or work.temporary()
    lines = [f"import {local} from {source};"]
    if space and space != local:
        lines.append(f"const {space} = {local};")
    if named:
        lines.append(f"const {{ {', '.join(_rename(b, ': ') for b in named)} }} = {local};")
    return " ".join(lines)


def _rename(binding: Binding, separator: str) -> str:
    name = binding.imported if binding.imported.isidentifier() else json.dumps(binding.imported)
    prefix = "type " if binding.type_only and separator == " as " else ""
    return prefix + (name if name == binding.local else f"{name}{separator}{binding.local}")


def _export(work: ModuleRewriter, resolved: ResolvedLink) -> None:
    link = resolved.link
    if resolved.package and (
        statements := export_statements(
            work.module, work.temporary, link, resolved.specifier, typed=work.keep_types
        )
    ):
        work.edits.node(link.node, statements)
        return
    if not resolved.commonjs or link.type_only:
        _literal(work, resolved)
        return
    if not link.bindings:
        message = "export * from a CommonJS module: its exports are not known before it runs."
        by_hand = "List the exports: export { a, b } from …"
        work.problems.append(work.module.problem(link.node, "export-all", message, by_hand))
        return
    local = work.temporary()
    lines = [f"import {local} from {json.dumps(resolved.specifier)};"]
    for binding in link.bindings:
        value = local if binding.imported == "default" else f"{local}.{binding.imported}"
        is_default = binding.local == "default"
        lines.append(f"export default {value};" if is_default else f"export const {binding.local} = {value};")
    work.edits.node(link.node, " ".join(lines))


def _require(work: ModuleRewriter, resolved: ResolvedLink) -> None:
    link, module = resolved.link, work.module
    source = json.dumps(resolved.specifier)
    if not module.is_esm:
        if resolved.specifier.startswith(".") and not (resolved.commonjs or resolved.adapter):
            message = f"require() of {link.specifier}, which is an ES module."
            by_hand = "Use import instead of require, and export instead of module.exports."
            work.problems.append(module.problem(link.node, "require-esm", message, by_hand))
        _literal(work, resolved)
    elif (declaration := _sole_declaration(link.node)) is not None:
        target = field_of(link.node.parent, "name")
        pattern = text_of(target) if target is not None else ""
        if target is not None and target.type == "identifier":
            work.edits.node(declaration, f"import {pattern} from {source};")
        else:
            local = work.temporary()
            work.edits.node(declaration, f"import {local} from {source}; const {pattern} = {local};")
    elif _has_no_effect(link):
        local, end = work.temporary(), len(work.edits.text)
        work.edits.node(link.node, local)
        work.edits.replace(end, end, f"\nimport {local} from {source};\n")
    else:
        message = f"require() of {link.specifier} in an ES module, outside a top-level constant."
        by_hand = "Import the module at the top of the file."
        work.problems.append(module.problem(link.node, "require-esm", message, by_hand))


def _has_no_effect(link: Link) -> bool:
    """Return whether loading a module has no side effects, so that it can be loaded at any time."""
    return (link.specifier or "").endswith(".json") or is_builtin(link.specifier or "")


def _sole_declaration(call: Node) -> Node | None:
    """Return the top-level declaration whose only declarator is this require()."""
    declarator = call.parent
    declaration = declarator.parent if declarator and declarator.type == "variable_declarator" else None
    if declaration is None or declaration.parent is None or declaration.parent.type != "program":
        return None
    declarators = [part for part in declaration.named_children if part.type != "comment"]
    return declaration if len(declarators) == 1 else None


def _dynamic_import(work: ModuleRewriter, resolved: ResolvedLink) -> None:
    link = resolved.link
    _literal(work, resolved)
    if resolved.package and not is_strict_esm(work.module):
        work.edits.replace(
            link.node.end_byte,
            link.node.end_byte,
            f".then((m) => {namespace_of('m', typed=work.keep_types)})",
        )


def _import_require(work: ModuleRewriter, resolved: ResolvedLink) -> None:
    local, source = resolved.link.bindings[0].local, json.dumps(resolved.specifier)
    if work.keep_types and not work.module.is_esm:
        _literal(work, resolved)
    elif work.module.is_esm:
        work.edits.node(resolved.link.node, f"import {local} from {source};")
    else:
        work.edits.node(resolved.link.node, f"const {local} = require({source});")


_HANDLERS = {
    LinkKind.IMPORT: _import,
    LinkKind.EXPORT: _export,
    LinkKind.REQUIRE: _require,
    LinkKind.DYNAMIC: _dynamic_import,
    LinkKind.IMPORT_REQUIRE: _import_require,
}
