"""Take the types out of TypeScript, so that Node runs it, and write what is left of enums in JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tree_sitter import Node

from converter.problems import Problem, Severity

from .enums import javascript_of
from .syntax import CASTS, Edits, Source, child, field_of, has_child, place, text_of

_TYPES = {
    "type_annotation",
    "type_parameters",
    "type_arguments",
    "implements_clause",
    "asserts_annotation",
    "type_predicate_annotation",
    "omitting_type_annotation",
    "opting_type_annotation",
}
_MODIFIERS = {"accessibility_modifier", "override_modifier", "readonly", "abstract", "declare", "override"}
_DECLARATIONS = {
    "interface_declaration",
    "type_alias_declaration",
    "ambient_declaration",
    "function_signature",
    "method_signature",
    "abstract_method_signature",
    "index_signature",
}
_OPTIONAL = {"optional_parameter", "method_definition", "public_field_definition", "variable_declarator"}
_KEYWORDS = ("get", "set", "static", "async")
_LOOKAHEAD = 200  # bytes in which the next statement begins, or none that could be misread
_STATEMENT_STARTS = ("(", "[", "`", "+", "-", "/")
_NAMESPACES = ("internal_module", "module")
_BY_HAND = {
    "decorator": "Write what the decorator does as a function call.",
    "internal_module": "Write the namespace as a module of its own, or as an object.",
    "module": "Write the namespace as a module of its own, or as an object.",
    "import_alias": "Write the alias as a constant: const x = a.b.",
}


@dataclass
class TypeStripper:
    """The work on one file; `used` are the names that values are read from, once types are gone."""

    source: Source
    edits: Edits
    used: set[str] = field(default_factory=set)
    type_names: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def visit(self, node: Node) -> None:
        waiting = [node]
        while waiting:
            found = waiting.pop()
            handle = _HANDLERS.get(found.type)
            if handle is None or handle(self, found):
                waiting.extend(reversed(found.children))

    def refuse(self, node: Node, message: str, by_hand: str) -> None:
        line, column = place(node)
        self.problems.append(
            Problem(self.source.name, line, column, Severity.ERROR, "typescript", message, by_hand)
        )


def strip(source: Source, edits: Edits) -> TypeStripper:
    """Collect the edits that turn TypeScript into JavaScript; imports are left to the caller."""
    work = TypeStripper(source, edits)
    for start, end in source.erased:
        edits.replace(start, end)
    for statement in source.root.children:
        declared = field_of(statement, "declaration") or statement
        if declared.type == "expression_statement" and declared.named_children:
            declared = declared.named_children[0]  # a namespace that is not exported
        if declared.type in (*_NAMESPACES, "interface_declaration", "type_alias_declaration") and _is_type(
            declared
        ):
            work.type_names.add(text_of(field_of(declared, "name") or declared))
    work.visit(source.root)
    return work


def _remove(work: TypeStripper, node: Node) -> bool:
    work.edits.node(node)
    return False


def _remove_modifier(work: TypeStripper, node: Node) -> bool:
    """What a modifier began on a line of its own must not go on with the member above: `[a]`, `*a`."""
    after = node.next_sibling
    kept = after
    while kept is not None and kept.type in _MODIFIERS:
        kept = kept.next_sibling
    risky = node.prev_sibling is None and kept is not None and text_of(kept).startswith(("[", "*"))
    work.edits.replace(node.start_byte, after.start_byte if after else node.end_byte, ";" if risky else "")
    return False


def _remove_statement(work: TypeStripper, node: Node) -> bool:
    parent = node.parent
    if parent is not None and parent.type == "export_statement":
        node = parent
    after = node.next_sibling
    end = node.end_byte
    if after is not None and after.type == ";":
        end, after = after.end_byte, after.next_sibling
    # Two statements that a line of types kept apart must not run together.
    risky = after is not None and text_of(after).startswith(_STATEMENT_STARTS)
    work.edits.replace(node.start_byte, end, ";" if risky else "")
    return False


def _cast(work: TypeStripper, node: Node) -> bool:
    """A type ends a statement with its line, where a value would go on with `(`, `[` or a template."""
    value = node.named_children[0]
    rest = work.edits.text[node.end_byte : node.end_byte + _LOOKAHEAD]
    beyond = rest.lstrip()
    risky = beyond[:1] in (b"(", b"[", b"`") and b"\n" in rest[: len(rest) - len(beyond)]
    work.edits.replace(value.end_byte, node.end_byte, ";" if risky else "")
    work.visit(value)
    return False


def _non_null(work: TypeStripper, node: Node) -> bool:
    work.edits.node(node.children[-1])
    work.visit(node.children[0])
    return False


def _assertion(work: TypeStripper, node: Node) -> bool:
    """`() => <T>{}` would become a function without a result."""
    value = node.named_children[-1]
    if value.type == "object" and node.parent is not None and node.parent.type == "arrow_function":
        work.edits.replace(value.start_byte, value.start_byte, "(")
        work.edits.replace(value.end_byte, value.end_byte, ")")
    return True


def _optional(work: TypeStripper, node: Node) -> bool:
    if node.type == "public_field_definition" and has_child(node, "declare", "abstract"):
        return _remove_statement(work, node)
    name = field_of(node, "name")
    if node.type == "public_field_definition" and name is not None and text_of(name) in _KEYWORDS:
        work.edits.replace(node.end_byte, node.end_byte, ";")  # `get` above a method is no getter
    for part in node.children:
        if part.type in ("?", "!"):
            work.edits.node(part)
    return True


def _parameter(work: TypeStripper, node: Node) -> bool:
    pattern = field_of(node, "pattern")
    if pattern is not None and pattern.type == "this":
        after = node.next_sibling
        end = after.end_byte if after is not None and after.type == "," else node.end_byte
        while work.edits.text[end : end + 1] == b" " and after is not None and after.type == ",":
            end += 1
        work.edits.replace(node.start_byte, end)
        return False
    if has_child(node, "accessibility_modifier", "readonly", "override_modifier") and pattern is not None:
        _property(work, node, text_of(pattern))
    return _optional(work, node) if node.type == "optional_parameter" else True


def _property(work: TypeStripper, parameter: Node, name: str) -> None:
    """A parameter of a constructor that is a property: assign it, behind the call of super."""
    method = parameter.parent.parent if parameter.parent else None
    body = field_of(method, "body")
    if body is None:
        return
    first = next((part for part in body.named_children if part.type != "comment"), None)
    calls_super = first is not None and text_of(first).startswith("super(")
    at = first.end_byte if first is not None and calls_super else body.start_byte + 1
    work.edits.replace(at, at, f" this.{name} = {name};")
    if method is not None and method.parent is not None:
        # A field of its own, so that properties keep the order that the compiler gives them.
        work.edits.replace(method.parent.start_byte + 1, method.parent.start_byte + 1, f" {name};")


def _export(work: TypeStripper, node: Node) -> bool:
    if has_child(node, "type"):
        return _remove_statement(work, node)
    if has_child(node, "namespace") and has_child(node, "as"):
        return _remove_statement(work, node)
    if has_child(node, "="):
        start, equals = node.children[0], child(node, "=")
        work.edits.replace(
            start.start_byte, equals.end_byte if equals else start.end_byte, "module.exports ="
        )
    clause = child(node, "export_clause")
    for part in clause.named_children if clause else ():
        name = field_of(part, "name")
        local_type = field_of(node, "source") is None and name and text_of(name) in work.type_names
        if has_child(part, "type") or local_type:
            after = part.next_sibling
            end = after.end_byte if after is not None and after.type == "," else part.end_byte
            work.edits.replace(part.start_byte, end)
    return field_of(node, "source") is None


def _enum(work: TypeStripper, node: Node) -> bool:
    work.edits.node(node, javascript_of(node, work.refuse))
    return False


def _identifier(work: TypeStripper, node: Node) -> bool:
    work.used.add(text_of(node))
    return False


def _namespace(work: TypeStripper, node: Node) -> bool:
    if not _holds_types_only(node):
        return _refuse(work, node)
    return _remove_statement(work, node)


def _holds_types_only(namespace: Node) -> bool:
    body = field_of(namespace, "body")
    return all(_is_type(statement) for statement in (body.named_children if body else ()))


def _is_type(statement: Node) -> bool:
    declared = field_of(statement, "declaration") or statement
    if declared.type == "expression_statement" and declared.named_children:
        declared = declared.named_children[0]
    if declared.type in _NAMESPACES:
        return _holds_types_only(declared)
    return declared.type in (
        "interface_declaration",
        "type_alias_declaration",
        "ambient_declaration",
        "comment",
    )


def _refuse(work: TypeStripper, node: Node) -> bool:
    what = {"decorator": "a decorator", "import_alias": "an import alias"}.get(node.type, "a namespace")
    work.refuse(
        node, f"{what} is more than a type, and only the TypeScript compiler knows what.", _BY_HAND[node.type]
    )
    return False


_HANDLERS: dict[str, Callable[[TypeStripper, Node], bool]] = {
    **dict.fromkeys(_TYPES, _remove),
    **dict.fromkeys(_MODIFIERS, _remove_modifier),
    **dict.fromkeys(_DECLARATIONS, _remove_statement),
    **dict.fromkeys(CASTS, _cast),
    **dict.fromkeys(_OPTIONAL, _optional),
    **dict.fromkeys(("identifier", "shorthand_property_identifier"), _identifier),
    **dict.fromkeys(_BY_HAND, _refuse),
    **dict.fromkeys(_NAMESPACES, _namespace),
    "required_parameter": _parameter,
    "optional_parameter": _parameter,
    "non_null_expression": _non_null,
    "type_assertion": _assertion,
    "export_statement": _export,
    "enum_declaration": _enum,
    "import_statement": lambda work, node: False,
}
