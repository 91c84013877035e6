"""Find what holds a connection in browser code: a constant, a variable, a property, or a hook of React."""

from __future__ import annotations

from collections.abc import Iterable

from tree_sitter import Node

from converter.javascript.modules import Module
from converter.javascript.syntax import field_of, has_child, iter_nodes, text_of

from .client_hooks import from_hook, hook_around, state_of
from .held_connections import EMPTY, ClientVariable, declarators, hook_of, name_of, with_types, with_uses
from .scopes import arguments_of


def variable_of(module: Module, creation: Node, others: Iterable[Module]) -> ClientVariable | None:
    """Return what holds the connection that `creation` opens; None if that is not certain."""
    parent = creation.parent
    if parent is None:
        return None
    if parent.type == "variable_declarator":
        return _constant(module, parent)
    if (call := hook_around(creation)) is not None:
        return from_hook(module, call)
    if parent.type == "assignment_expression" and parent.parent is not None:
        target = field_of(parent, "left")
        if parent.parent.type != "expression_statement" or target is None or _is_opened_twice(module, parent):
            return None
        if target.type == "identifier":
            return _assigned_variable(module, target)
        if target.type == "member_expression":
            return _property(module, target, others)
    if parent.type == "arguments" and parent.parent is not None:
        return state_of(module, parent.parent)
    return None


def _constant(module: Module, declarator: Node) -> ClientVariable | None:
    name, declaration = field_of(declarator, "name"), declarator.parent
    if name is None or name.type != "identifier" or declaration is None:
        return None
    if len(declaration.named_children) > 1 or _is_reassigned(module, text_of(name)):
        return None
    for node in module.nodes:
        if node.type != "call_expression" or [text_of(each) for each in arguments_of(node)] != [
            text_of(name)
        ]:
            continue
        if (state := state_of(module, node, name)) is not None:
            return with_types(state, declarator)
    variable = ClientVariable((text_of(name),), declarator)
    return with_types(variable, declarator) and with_uses(module, variable, {name.id})


def _is_reassigned(module: Module, name: str) -> bool:
    """Return whether something else than nothing is assigned to a variable, or it is declared twice."""
    assigned = [node for node in module.nodes if node.type == "assignment_expression"]
    values = [field_of(node, "right") for node in assigned if text_of(field_of(node, "left") or node) == name]
    if any(value is not None and text_of(value) not in EMPTY for value in values):
        return True
    return len([node for node in declarators(module) if name_of(node) == name]) > 1


def _assigned_variable(module: Module, target: Node) -> ClientVariable | None:
    declared = [node for node in declarators(module) if name_of(node) == text_of(target)]
    if len(declared) != 1:
        return None
    declarator = declared[0]
    declaration, value = declarator.parent, field_of(declarator, "value")
    if (
        declaration is None
        or text_of(declaration.children[0]) == "const"
        or len(declaration.named_children) > 1
    ):
        return None
    if value is not None and text_of(value) not in EMPTY:
        return None
    name = field_of(declarator, "name")
    skipped = {target.id, *([name.id] if name else [])}
    variable = ClientVariable((text_of(target),), declarator)
    return with_types(variable, declarator) and with_uses(module, variable, skipped)


def _property(module: Module, target: Node, others: Iterable[Module]) -> ClientVariable | None:
    """Return `this.name`, which no other object has, or `ref.current` of a constant from useRef."""
    owner, name = field_of(target, "object"), field_of(target, "property")
    if owner is None or name is None:
        return None
    variable = ClientVariable((text_of(target),))
    if owner.type == "this":
        for node in (node for each in (module, *others) for node in each.nodes):
            if _is_elsewhere(node, text_of(name)):
                variable.escapes.append(node)
        fields = [node for node in module.nodes if node.type.endswith("field_definition")]
        declared = [node for node in fields if name_of(node, "property") == text_of(name)]
        if any(text_of(value) not in EMPTY for node in declared if (value := field_of(node, "value"))):
            return None
        return _all_with_types(variable, declared) and with_uses(module, variable, {target.id})
    refs = [node for node in declarators(module) if name_of(node) == text_of(owner)]
    hook = hook_of(refs[0], "useRef") if len(refs) == 1 and owner.type == "identifier" else None
    if hook is None or text_of(name) != "current":
        return None
    for node in module.nodes:
        is_ref = node.type == "identifier" and text_of(node) == text_of(owner) and node.parent != refs[0]
        if is_ref and text_of(node.parent or node) != text_of(target):
            variable.escapes.append(node)
    return with_types(variable, hook) and with_uses(module, variable, {target.id})


def _is_opened_twice(module: Module, assignment: Node) -> bool:
    """Return whether something else than nothing is assigned to the same target elsewhere."""
    target = text_of(field_of(assignment, "left") or assignment)
    return any(
        node != assignment and text_of(field_of(node, "right") or node) not in EMPTY
        for node in module.nodes
        if node.type == "assignment_expression" and text_of(field_of(node, "left") or node) == target
    )


def _is_elsewhere(node: Node, name: str) -> bool:
    """Return whether a node reads the property of another object than `this`."""
    if node.type in ("shorthand_property_identifier_pattern", "subscript_expression"):
        return text_of(node) == name
    owner = field_of(node, "object") if node.type == "member_expression" else None
    return owner is not None and owner.type != "this" and text_of(field_of(node, "property") or node) == name


def _all_with_types(variable: ClientVariable, nodes: Iterable[Node]) -> ClientVariable | None:
    return variable if all(with_types(variable, node) for node in nodes) else None


def of_importer(module: Module, name: str) -> ClientVariable:
    """Return a connection that a module imports under a name."""
    inside = {node.id for link in module.links for node in iter_nodes(link.node)}
    inside |= {binding.node.id for link in module.links for binding in link.bindings}
    return with_uses(module, ClientVariable((name,)), inside)


def is_harmless(node: Node) -> bool:
    """Return whether a use asks only whether there is a connection, or forgets it."""
    parent = node.parent
    if parent is None:
        return False
    if parent.type == "assignment_expression":
        return field_of(parent, "left") == node and text_of(field_of(parent, "right") or node) in EMPTY
    if parent.type == "parenthesized_expression":
        return parent.parent is not None and parent.parent.type == "if_statement"
    if parent.type == "unary_expression":
        return has_child(parent, "!")
    if parent.type == "array":
        return _is_ofhook_of(parent)
    if parent.type == "binary_expression":
        operator = text_of(field_of(parent, "operator") or parent)
        others = [text_of(each) for each in parent.named_children if each != node]
        compares = operator in ("===", "!==", "==", "!=") and others[0] in EMPTY
        return compares or (operator in ("&&", "||") and field_of(parent, "left") == node)
    return False


def _is_ofhook_of(dependencies: Node) -> bool:
    call = dependencies.parent.parent if dependencies.parent is not None else None
    function = field_of(call, "function")
    return function is not None and text_of(function).rpartition(".")[2].startswith("use")
