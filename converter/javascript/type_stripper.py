"""Turn TypeScript into JavaScript that Node runs: strip types, compile enums and parameter properties."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tree_sitter import Node

from converter.problems import Problem, Severity

from .enums import enum_to_javascript
from .syntax import CASTS, Edits, Source, child, field_of, has_child, position_of, text_of

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
_TYPE_DECLARATIONS = ("interface_declaration", "type_alias_declaration", "ambient_declaration")
_ERASED_DECLARATIONS = {
    *_TYPE_DECLARATIONS,
    "function_signature",
    "method_signature",
    "abstract_method_signature",
    "index_signature",
}
_OPTIONAL = {"optional_parameter", "method_definition", "public_field_definition", "variable_declarator"}
_KEYWORDS = ("get", "set", "static", "async")
_LOOKAHEAD = 200  # bytes searched for the next statement
_STATEMENT_STARTS = ("(", "[", "`", "+", "-", "/")
_NAMESPACES = ("internal_module", "module")
_BY_HAND = {
    "decorator": "Replace the decorator with a function call.",
    "internal_module": "Write the namespace as a separate module, or as an object.",
    "module": "Write the namespace as a separate module, or as an object.",
    "import_alias": "Write the alias as a constant: const x = a.b.",
}


@dataclass
class TypeStripper:
    """The edits and findings for one file; `used` are the names that remaining code reads values from."""

    source: Source
    edits: Edits
    used: set[str] = field(default_factory=set)
    type_names: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    aliases: list[Node] = field(default_factory=list)

    def visit(self, node: Node) -> None:
        stack = [node]
        while stack:
            node = stack.pop()
            handle = _HANDLERS.get(node.type)
            if handle is None or handle(self, node):
                stack.extend(reversed(node.children))

    def refuse(self, node: Node, message: str, by_hand: str) -> None:
        line, column = position_of(node)
        self.problems.append(
            Problem(self.source.name, line, column, Severity.ERROR, "typescript", message, by_hand)
        )


# Edits one node; returns whether `visit` continues with its children.
Handler = Callable[[TypeStripper, Node], bool]


def strip(source: Source, edits: Edits) -> TypeStripper:
    """Collect the edits that turn TypeScript into JavaScript; imports are left to the caller."""
    work = TypeStripper(source, edits)
    for start, end in source.erased:
        edits.replace(start, end)
    for statement in source.root.children:
        declaration = _declaration_of(statement)
        if declaration.type != "ambient_declaration" and _is_type(declaration):
            work.type_names.add(text_of(field_of(declaration, "name") or declaration))
    work.visit(source.root)
    for alias in work.aliases:
        is_exported = alias.parent is not None and alias.parent.type == "export_statement"
        if is_exported or text_of(alias.named_children[0]) in work.used:
            _refuse(work, alias)
        else:
            _remove_statement(work, alias)  # only a type, as in TypeScript
    return work


def _remove(work: TypeStripper, node: Node) -> bool:
    work.edits.node(node)
    return False


def _remove_modifier(work: TypeStripper, node: Node) -> bool:
    """Remove a modifier; a bare `[a]` or `*a` must not become a continuation of the member above."""
    after = node.next_sibling
    member = after
    while member is not None and member.type in _MODIFIERS:
        member = member.next_sibling
    needs_semicolon = (
        node.prev_sibling is None and member is not None and text_of(member).startswith(("[", "*"))
    )
    end = after.start_byte if after else node.end_byte
    work.edits.replace(node.start_byte, end, ";" if needs_semicolon else "")
    return False


def _remove_statement(work: TypeStripper, node: Node) -> bool:
    parent = node.parent
    if parent is not None and parent.type == "export_statement":
        node = parent
    after = node.next_sibling
    end = node.end_byte
    if after is not None and after.type == ";":
        end, after = after.end_byte, after.next_sibling
    # The statements before and after the removed one must not join.
    needs_semicolon = after is not None and text_of(after).startswith(_STATEMENT_STARTS)
    work.edits.replace(node.start_byte, end, ";" if needs_semicolon else "")
    return False


def _cast(work: TypeStripper, node: Node) -> bool:
    """Remove the type of a cast; without it, `(`, `[` or a template on the next line would join the value."""
    value = node.named_children[0]
    rest = work.edits.text[node.end_byte : node.end_byte + _LOOKAHEAD]
    following = rest.lstrip()
    blank = rest[: len(rest) - len(following)]
    needs_semicolon = following[:1] in (b"(", b"[", b"`") and b"\n" in blank
    work.edits.replace(value.end_byte, node.end_byte, ";" if needs_semicolon else "")
    work.visit(value)
    return False


def _non_null(work: TypeStripper, node: Node) -> bool:
    work.edits.node(node.children[-1])
    work.visit(node.children[0])
    return False


def _assertion(work: TypeStripper, node: Node) -> bool:
    """Parenthesize the object of `() => <T>{}`, which would become a function body."""
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
        work.edits.replace(node.end_byte, node.end_byte, ";")  # or `get` would make the method below a getter
    for part in node.children:
        if part.type in ("?", "!"):
            work.edits.node(part)
    return True


def _parameter(work: TypeStripper, node: Node) -> bool:
    pattern = field_of(node, "pattern")
    if pattern is not None and pattern.type == "this":
        end = _end_with_comma(node)
        while end > node.end_byte and work.edits.text[end : end + 1] == b" ":
            end += 1
        work.edits.replace(node.start_byte, end)
        return False
    if has_child(node, "accessibility_modifier", "readonly", "override_modifier") and pattern is not None:
        _parameter_property(work, node, text_of(pattern))
    return _optional(work, node) if node.type == "optional_parameter" else True


def _end_with_comma(node: Node) -> int:
    after = node.next_sibling
    return after.end_byte if after is not None and after.type == "," else node.end_byte


def _parameter_property(work: TypeStripper, parameter: Node, name: str) -> None:
    """Declare a field for `constructor(readonly name)` and assign it, after the call to super."""
    method = parameter.parent.parent if parameter.parent else None
    body = field_of(method, "body")
    if body is None:
        return
    first = next((part for part in body.named_children if part.type != "comment"), None)
    calls_super = first is not None and text_of(first).startswith("super(")
    at = first.end_byte if first is not None and calls_super else body.start_byte + 1
    work.edits.replace(at, at, f" this.{name} = {name};")
    if method is not None and method.parent is not None:
        # Declared first, so that properties keep the order that the compiler gives them.
        work.edits.replace(method.parent.start_byte + 1, method.parent.start_byte + 1, f" {name};")


def _export(work: TypeStripper, node: Node) -> bool:
    is_namespace = has_child(node, "namespace") and has_child(node, "as")
    if is_namespace or has_child(node, "type"):
        return _remove_statement(work, node)
    if has_child(node, "="):
        start, equals = node.children[0], child(node, "=")
        work.edits.replace(
            start.start_byte, equals.end_byte if equals else start.end_byte, "module.exports ="
        )
    clause, is_local = child(node, "export_clause"), field_of(node, "source") is None
    for part in clause.named_children if clause else ():
        name = field_of(part, "name")
        is_local_type = is_local and name and text_of(name) in work.type_names
        if is_local_type or has_child(part, "type"):
            work.edits.replace(part.start_byte, _end_with_comma(part))
    return is_local


def _enum(work: TypeStripper, node: Node) -> bool:
    work.edits.node(node, enum_to_javascript(node, work.refuse))
    return False


def _identifier(work: TypeStripper, node: Node) -> bool:
    work.used.add(text_of(node))
    return False


def _namespace(work: TypeStripper, node: Node) -> bool:
    return _remove_statement(work, node) if _is_type(node) else _refuse(work, node)


def _declaration_of(statement: Node) -> Node:
    """Return what a statement declares, without `export`; a plain namespace is an expression statement."""
    declaration = field_of(statement, "declaration") or statement
    if declaration.type == "expression_statement" and declaration.named_children:
        return declaration.named_children[0]
    return declaration


def _is_type(declaration: Node) -> bool:
    """Return whether a declaration is only a type; a namespace is one if everything in it is."""
    if declaration.type not in _NAMESPACES:
        return declaration.type in _TYPE_DECLARATIONS
    body = field_of(declaration, "body")
    statements = body.named_children if body else ()
    return all(part.type == "comment" or _is_type(_declaration_of(part)) for part in statements)


def _import_alias(work: TypeStripper, node: Node) -> bool:
    """Keep an alias until all names are known that are read as values."""
    work.aliases.append(node)
    return False


def _refuse(work: TypeStripper, node: Node) -> bool:
    construct = {"decorator": "decorators", "import_alias": "import aliases"}.get(node.type, "namespaces")
    message = f"{construct} have an effect at run time and need the TypeScript compiler."
    work.refuse(node, message, _BY_HAND[node.type])
    return False


_HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(_TYPES, _remove),
    **dict.fromkeys(_MODIFIERS, _remove_modifier),
    **dict.fromkeys(_ERASED_DECLARATIONS, _remove_statement),
    **dict.fromkeys(CASTS, _cast),
    **dict.fromkeys(_OPTIONAL, _optional),
    **dict.fromkeys(("identifier", "shorthand_property_identifier"), _identifier),
    **dict.fromkeys(_BY_HAND, _refuse),
    **dict.fromkeys(_NAMESPACES, _namespace),
    "import_alias": _import_alias,
    "required_parameter": _parameter,
    "optional_parameter": _parameter,
    "non_null_expression": _non_null,
    "type_assertion": _assertion,
    "export_statement": _export,
    "enum_declaration": _enum,
    "import_statement": lambda work, node: False,
}
