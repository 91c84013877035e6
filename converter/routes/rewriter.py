"""Write the text of a converted module: its own code, with other imports and, unless kept, without types."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePosixPath

from tree_sitter import Node

from converter.javascript.modules import Binding, Link, LinkKind, Module
from converter.javascript.syntax import Edits, child, field_of, has_child, text_of
from converter.javascript.type_stripper import strip
from converter.problems import Problem

from .compatibility import is_builtin
from .layout import header


@dataclass(frozen=True)
class ResolvedLink:
    """A link and what it became; `commonjs` says that the target is a file of ours in CommonJS."""

    link: Link
    specifier: str
    commonjs: bool = False
    dropped: bool = False
    adapter: bool = False


@dataclass
class ModuleRewriter:
    module: Module
    edits: Edits
    keep_types: bool
    used: set[str] | None  # None: every import stays
    problems: list[Problem]
    temporaries: int = 0

    def temporary(self) -> str:
        self.temporaries += 1
        return f"imported{self.temporaries}"


def used_names(module: Module, *, keep_types: bool) -> set[str] | None:
    """Return the names that values are read from; imports of others vanish, as TypeScript has it."""
    if keep_types or not module.source.is_typescript:
        return None
    return strip(module.source, Edits(module.source.text)).used


def is_elided(link: Link, used: set[str] | None) -> bool:
    """Say whether nothing is left of an import once the types are gone."""
    if used is None:
        return False
    if link.type_only:
        return True
    if link.kind not in (LinkKind.IMPORT, LinkKind.IMPORT_REQUIRE) or not link.bindings:
        return False
    return all(b.type_only or b.local not in used for b in link.bindings)


def rewrite(
    module: Module, links: list[ResolvedLink], *, keep_types: bool, name: PurePosixPath
) -> tuple[str, list[Problem]]:
    """Return the text of the converted module, and what it can't say."""
    edits = Edits(module.source.text)
    used: set[str] | None = None
    problems: list[Problem] = []
    if (first := child(module.source.root, "hash_bang_line")) is not None:
        edits.node(first)  # it may stand on the first line only
    if module.source.is_typescript and not keep_types:
        stripped = strip(module.source, edits)
        used, problems = stripped.used, stripped.problems
    elif module.source.is_typescript:
        _write_assertions_with_as(module, edits)
    work = ModuleRewriter(module, edits, keep_types, used, problems)
    for resolved in links:
        _HANDLERS[resolved.link.kind](work, resolved)
    for link in module.links:
        if is_elided(link, used):
            edits.node(link.node)
    return header(module.source.name) + edits.apply(), problems


def _write_assertions_with_as(module: Module, edits: Edits) -> None:
    """`<T>x` is not allowed in .mts and .cts."""
    for node in module.nodes:
        if node.type == "type_assertion":
            types, value = node.named_children
            edits.node(types, "(")
            edits.replace(value.end_byte, value.end_byte, f" as {text_of(types)[1:-1]})")


def _literal(work: ModuleRewriter, resolved: ResolvedLink) -> None:
    quote = text_of(resolved.link.literal)[:1]
    written = json.dumps(resolved.specifier)
    work.edits.node(resolved.link.literal, f"'{written[1:-1]}'" if quote == "'" else written)


def _import(work: ModuleRewriter, resolved: ResolvedLink) -> None:
    link = resolved.link
    if resolved.dropped:
        work.edits.node(link.node)
        return
    kept = [b for b in link.bindings if work.used is None or (not b.type_only and b.local in work.used)]
    unpack = resolved.commonjs and not link.type_only
    if not unpack and len(kept) == len(link.bindings) and not has_child(link.node, "import_attribute"):
        _literal(work, resolved)
        return
    work.edits.node(link.node, _statement(work, resolved, kept, unpack=unpack))


def _statement(work: ModuleRewriter, resolved: ResolvedLink, kept: list[Binding], *, unpack: bool) -> str:
    """Write an import anew; the names of CommonJS are taken out of its one export, which is always there."""
    source = json.dumps(resolved.specifier)
    default = next((b.local for b in kept if b.imported == "default"), "")
    space = next((b.local for b in kept if b.imported == "*"), "")
    named = [b for b in kept if b.imported not in ("default", "*")]
    if not kept:
        return f"import {source};"
    if not unpack:
        inner = ", ".join(_pair(b, " as ") for b in named)
        parts = [default, f"* as {space}" if space else "", f"{{ {inner} }}" if named else ""]
        return f"import {', '.join(filter(None, parts))} from {source};"
    whole = default or space or work.temporary()
    lines = [f"import {whole} from {source};"]
    if space and space != whole:
        lines.append(f"const {space} = {whole};")
    if named:
        lines.append(f"const {{ {', '.join(_pair(b, ': ') for b in named)} }} = {whole};")
    return " ".join(lines)


def _pair(binding: Binding, between: str) -> str:
    name = binding.imported if binding.imported.isidentifier() else json.dumps(binding.imported)
    prefix = "type " if binding.type_only and between == " as " else ""
    return prefix + (name if name == binding.local else f"{name}{between}{binding.local}")


def _export(work: ModuleRewriter, resolved: ResolvedLink) -> None:
    link = resolved.link
    if not resolved.commonjs or link.type_only:
        _literal(work, resolved)
        return
    if not link.bindings:
        message = "export * from a CommonJS module: its names are known only when it runs."
        by_hand = "Name what is exported: export { a, b } from …"
        work.problems.append(work.module.problem(link.node, "export-all", message, by_hand))
        return
    whole = work.temporary()
    lines = [f"import {whole} from {json.dumps(resolved.specifier)};"]
    for binding in link.bindings:
        value = whole if binding.imported == "default" else f"{whole}.{binding.imported}"
        is_default = binding.local == "default"
        lines.append(f"export default {value};" if is_default else f"export const {binding.local} = {value};")
    work.edits.node(link.node, " ".join(lines))


def _require(work: ModuleRewriter, resolved: ResolvedLink) -> None:
    link, module = resolved.link, work.module
    if not module.is_esm:
        local_module = not resolved.commonjs and resolved.specifier.startswith(".") and not resolved.adapter
        if local_module:
            message = f"require() of {link.specifier}, which is an ES module."
            by_hand = "Write import instead of require, and export instead of module.exports."
            work.problems.append(module.problem(link.node, "require-esm", message, by_hand))
        _literal(work, resolved)
        return
    declaration = _whole_declaration(link.node)
    if declaration is None and _does_nothing(link):
        name, end = work.temporary(), len(work.edits.text)
        work.edits.node(link.node, name)
        work.edits.replace(end, end, f"\nimport {name} from {json.dumps(resolved.specifier)};\n")
        return
    if declaration is None:
        by_hand = "Import it at the top of the file."
        message = f"require() of {link.specifier} in an ES module, elsewhere than in a constant at the top."
        work.problems.append(module.problem(link.node, "require-esm", message, by_hand))
        return
    target = field_of(link.node.parent, "name")
    pattern = text_of(target) if target is not None else ""
    source = json.dumps(resolved.specifier)
    if target is not None and target.type == "identifier":
        work.edits.node(declaration, f"import {pattern} from {source};")
        return
    whole = work.temporary()
    work.edits.node(declaration, f"import {whole} from {source}; const {pattern} = {whole};")


def _does_nothing(link: Link) -> bool:
    """Say whether loading a module changes nothing, so that it does not matter when that happens."""
    return (link.specifier or "").endswith(".json") or is_builtin(link.specifier or "")


def _whole_declaration(call: Node) -> Node | None:
    """Return the statement at the top of the file that does nothing but keep what is required."""
    declarator = call.parent
    declaration = declarator.parent if declarator and declarator.type == "variable_declarator" else None
    if declaration is None or declaration.parent is None or declaration.parent.type != "program":
        return None
    return declaration if len([n for n in declaration.named_children if n.type != "comment"]) == 1 else None


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
    LinkKind.DYNAMIC: lambda work, resolved: _literal(work, resolved),
    LinkKind.IMPORT_REQUIRE: _import_require,
}
