"""Find what holds a connection in browser code: a constant, a variable, a property, or a hook of React."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tree_sitter import Node

from converter.javascript.modules import Module
from converter.javascript.syntax import child, field_of, has_child, iter_nodes, text_of

from .scopes import arguments_of

_EMPTY = ("null", "undefined")
_SOCKET_TYPES = ("Socket", "WebSocket")


@dataclass
class ClientVariable:
    """How code names a connection.

    `names` are the texts that mean it, `uses` the nodes with such a text. `types` are nodes of types to
    replace. Without a `declarator` there may be several connections at a time (of objects or components).
    """

    names: tuple[str, ...]
    declarator: Node | None = None
    uses: list[Node] = field(default_factory=list)
    types: list[Node] = field(default_factory=list)
    # Where it is passed on, so that not all its uses are known.
    escapes: list[Node] = field(default_factory=list)


def variable_of(module: Module, creation: Node, others: Iterable[Module]) -> ClientVariable | None:
    """Return what holds the connection that `creation` opens; None if that is not certain."""
    parent = creation.parent
    if parent is None:
        return None
    if parent.type == "variable_declarator":
        return _constant(module, parent)
    if parent.type == "assignment_expression" and parent.parent is not None:
        target = field_of(parent, "left")
        if parent.parent.type != "expression_statement" or target is None or _is_opened_twice(module, parent):
            return None
        if target.type == "identifier":
            return _assigned_variable(module, target)
        if target.type == "member_expression":
            return _property(module, target, others)
    if parent.type == "arguments" and parent.parent is not None:
        return _state(module, parent.parent)
    return None


def _constant(module: Module, declarator: Node) -> ClientVariable | None:
    name, declaration = field_of(declarator, "name"), declarator.parent
    if name is None or name.type != "identifier" or declaration is None:
        return None
    if text_of(declaration.children[0]) != "const" or len(declaration.named_children) > 1:
        return None
    for node in module.nodes:
        if node.type != "call_expression" or [text_of(each) for each in arguments_of(node)] != [
            text_of(name)
        ]:
            continue
        if (state := _state(module, node, name)) is not None:
            return _with_types(state, declarator)
    variable = ClientVariable((text_of(name),), declarator)
    return _with_types(variable, declarator) and _with_uses(module, variable, {name.id})


def _assigned_variable(module: Module, target: Node) -> ClientVariable | None:
    declarators = [node for node in _declarators(module) if _name(node) == text_of(target)]
    if len(declarators) != 1:
        return None
    declarator = declarators[0]
    declaration, value = declarator.parent, field_of(declarator, "value")
    if (
        declaration is None
        or text_of(declaration.children[0]) == "const"
        or len(declaration.named_children) > 1
    ):
        return None
    if value is not None and text_of(value) not in _EMPTY:
        return None
    name = field_of(declarator, "name")
    skipped = {target.id, *([name.id] if name else [])}
    variable = ClientVariable((text_of(target),), declarator)
    return _with_types(variable, declarator) and _with_uses(module, variable, skipped)


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
        declared = [node for node in fields if _name(node, "property") == text_of(name)]
        if any(text_of(value) not in _EMPTY for node in declared if (value := field_of(node, "value"))):
            return None
        return _all_with_types(variable, declared) and _with_uses(module, variable, {target.id})
    refs = [node for node in _declarators(module) if _name(node) == text_of(owner)]
    hook = _hook(refs[0], "useRef") if len(refs) == 1 and owner.type == "identifier" else None
    if hook is None or text_of(name) != "current":
        return None
    for node in module.nodes:
        is_ref = node.type == "identifier" and text_of(node) == text_of(owner) and node.parent != refs[0]
        if is_ref and text_of(node.parent or node) != text_of(target):
            variable.escapes.append(node)
    return _with_types(variable, hook) and _with_uses(module, variable, {target.id})


def _state(module: Module, call: Node, constant: Node | None = None) -> ClientVariable | None:
    """Return the state of `const [state, setState] = useState()` if `call` is `setState(…)`.

    `constant` is the name of the constant that it passes, which means the same connection.
    """
    setter = text_of(field_of(call, "function") or call)
    for declarator in _declarators(module):
        pattern, hook = field_of(declarator, "name"), _hook(declarator, "useState")
        if hook is None or pattern is None or pattern.type != "array_pattern":
            continue
        names = [text_of(each) for each in pattern.named_children]
        if len(names) != 2 or names[1] != setter:
            continue
        variable = ClientVariable((names[0],))
        skipped = {each.id for each in pattern.named_children}
        if constant is not None:
            variable.names += (text_of(constant),)
            skipped |= {constant.id, *(each.id for each in arguments_of(call))}
        for node in module.nodes:
            if node.type == "identifier" and text_of(node) == setter and node.id not in skipped:
                _check_setter(variable, node, call)
        return _with_types(variable, hook) and _with_uses(module, variable, skipped)
    return None


def _check_setter(variable: ClientVariable, name: Node, opening: Node) -> None:
    call = name.parent
    is_called = call is not None and call.type == "call_expression" and field_of(call, "function") == name
    if not is_called or call is None or (call != opening and not set(_argument_texts(call)) <= set(_EMPTY)):
        variable.escapes.append(name)


def _argument_texts(call: Node) -> list[str]:
    return [text_of(argument) for argument in arguments_of(call)]


def _is_opened_twice(module: Module, assignment: Node) -> bool:
    """Return whether something else than nothing is assigned to the same target elsewhere."""
    target = text_of(field_of(assignment, "left") or assignment)
    return any(
        node != assignment and text_of(field_of(node, "right") or node) not in _EMPTY
        for node in module.nodes
        if node.type == "assignment_expression" and text_of(field_of(node, "left") or node) == target
    )


def _is_elsewhere(node: Node, name: str) -> bool:
    """Return whether a node reads the property of another object than `this`."""
    if node.type in ("shorthand_property_identifier_pattern", "subscript_expression"):
        return text_of(node) == name
    owner = field_of(node, "object") if node.type == "member_expression" else None
    return owner is not None and owner.type != "this" and text_of(field_of(node, "property") or node) == name


def _hook(declarator: Node, name: str) -> Node | None:
    value = field_of(declarator, "value")
    if value is None or value.type != "call_expression":
        return None
    function = text_of(field_of(value, "function") or value)
    is_empty = all(text_of(argument) in _EMPTY for argument in arguments_of(value))
    return value if function in (name, f"React.{name}") and is_empty else None


def _declarators(module: Module) -> list[Node]:
    return [node for node in module.nodes if node.type == "variable_declarator"]


def _name(node: Node, key: str = "name") -> str:
    name = field_of(node, key) or field_of(node, "name")
    return text_of(name) if name else ""


def _all_with_types(variable: ClientVariable, nodes: Iterable[Node]) -> ClientVariable | None:
    return variable if all(_with_types(variable, node) for node in nodes) else None


def _with_types(variable: ClientVariable, node: Node) -> ClientVariable | None:
    """Add the types of a declaration; None if one is more than a socket or nothing."""
    types = child(node, "type_annotation", "type_arguments")
    if types is None:
        return variable
    for part in iter_nodes(types):
        outer = part.parent
        if part.type == "type_identifier":
            if text_of(part) in _SOCKET_TYPES and (outer is None or outer.type != "generic_type"):
                variable.types.append(part)
            elif not _is_inside_socket(part, types):
                return None
        elif part.type == "generic_type":
            if text_of(field_of(part, "name") or part) not in _SOCKET_TYPES:
                return None
            variable.types.append(part)
        elif part.type in ("type_query", "nested_type_identifier", "object_type", "array_type"):
            return None
    return variable


def _is_inside_socket(part: Node, types: Node) -> bool:
    outer = part.parent
    while outer is not None and outer != types:
        if outer.type == "generic_type":
            return True
        outer = outer.parent
    return False


def _with_uses(module: Module, variable: ClientVariable, skipped: set[int]) -> ClientVariable:
    kinds = ("identifier", "member_expression", "shorthand_property_identifier")
    for node in module.nodes:
        if node.type in kinds and text_of(node) in variable.names and node.id not in skipped:
            variable.uses.append(node)
    return variable


def is_harmless(node: Node) -> bool:
    """Return whether a use asks only whether there is a connection, or forgets it."""
    parent = node.parent
    if parent is None:
        return False
    if parent.type == "assignment_expression":
        return field_of(parent, "left") == node and text_of(field_of(parent, "right") or node) in _EMPTY
    if parent.type == "parenthesized_expression":
        return parent.parent is not None and parent.parent.type == "if_statement"
    if parent.type == "unary_expression":
        return has_child(parent, "!")
    if parent.type == "array":
        return _is_of_hook(parent)
    if parent.type == "binary_expression":
        operator = text_of(field_of(parent, "operator") or parent)
        others = [text_of(each) for each in parent.named_children if each != node]
        compares = operator in ("===", "!==", "==", "!=") and others[0] in _EMPTY
        return compares or (operator in ("&&", "||") and field_of(parent, "left") == node)
    return False


def _is_of_hook(dependencies: Node) -> bool:
    call = dependencies.parent.parent if dependencies.parent is not None else None
    function = field_of(call, "function")
    return function is not None and text_of(function).rpartition(".")[2].startswith("use")
