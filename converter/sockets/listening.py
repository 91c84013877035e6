"""Keep the listeners of an EventSource, so that they can be removed as those of a socket.io client."""

from __future__ import annotations

import re

from tree_sitter import Node

from converter.javascript.modules import Module
from converter.javascript.syntax import Edits

LISTEN, UNLISTEN = "listenToSource", "unlistenFromSource"
_CODE = """\
const listenToSource = (source, name, listener, hasData, once) => {
  const heard = (event) => hasData ? listener.apply(null, JSON.parse(event.data)) : listener();
  (source.listeners ??= []).push({ name, listener, heard });
  source.addEventListener(name, heard, { once });
};
const unlistenFromSource = (source, ...meant) => {
  const isMeant = (kept) => meant.every((value, at) => value === [kept.name, kept.listener][at]);
  const removed = (source.listeners ?? []).filter(isMeant);
  for (const { name, heard } of removed) source.removeEventListener(name, heard);
  source.listeners = (source.listeners ?? []).filter((kept) => !isMeant(kept));
};
"""
_PARAMETERS = re.compile(r"\((\.\.\.)?(\w+(?:, \w+)*)\) =>")
_SOURCE = re.compile(r"\(source, \.\.\.meant\)")


def add_listening(module: Module, edits: Edits) -> None:
    """Add the functions after the imports and directives of a module, once."""
    at = 0
    for statement in module.source.root.named_children:
        if statement.type in ("import_statement", "hash_bang_line") or _is_directive(statement):
            at = statement.end_byte
    if at == 0 and module.source.root.named_children:
        at = module.source.root.named_children[0].start_byte
    code = _CODE
    if module.source.is_typescript:
        code = _SOURCE.sub("(source: any, ...meant: any[])", _PARAMETERS.sub(_with_types, code))
    is_after = module.source.text[:at].strip() != b""
    edits.once(at, f"\n{code.rstrip()}" if is_after else code)


def _is_directive(statement: Node) -> bool:
    return statement.type == "expression_statement" and statement.named_children[0].type == "string"


def _with_types(parameters: re.Match[str]) -> str:
    return f"({', '.join(f'{name}: any' for name in parameters[2].split(', '))}) =>"
