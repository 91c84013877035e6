"""Find connections that hooks of React hold."""

from __future__ import annotations

from tree_sitter import Node

from converter.javascript.modules import Module
from converter.javascript.syntax import field_of, iter_nodes, text_of

from .held_connections import (
    EMPTY,
    ClientVariable,
    argument_texts,
    declarators,
    hook_of,
    with_types,
    with_uses,
)
from .scopes import arguments_of


def state_of(module: Module, call: Node, constant: Node | None = None) -> ClientVariable | None:
    """Return the state of `const [state, setState] = useState()` if `call` is `setState(…)`.

    `constant` is the name of the constant that it passes, which means the same connection.
    """
    setter = text_of(field_of(call, "function") or call)
    for declarator in declarators(module):
        pattern, hook = field_of(declarator, "name"), hook_of(declarator, "useState")
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
        return with_types(variable, hook) and with_uses(module, variable, skipped)
    return None


def _check_setter(variable: ClientVariable, name: Node, opening: Node) -> None:
    call = name.parent
    is_called = call is not None and call.type == "call_expression" and field_of(call, "function") == name
    if not is_called or call is None or (call != opening and not set(argument_texts(call)) <= set(EMPTY)):
        variable.escapes.append(name)


def hook_around(creation: Node) -> Node | None:
    """Return the call of a hook that gets a connection or opens it: `useMemo(() => io())`."""
    node = creation
    if node.parent is not None and node.parent.type == "arrow_function" and node.parent.children[-1] == node:
        node = node.parent
    arguments = node.parent
    call = arguments.parent if arguments is not None and arguments.type == "arguments" else None
    function = field_of(call, "function")
    is_first = arguments is not None and arguments.named_children[0] == node
    name = text_of(function).removeprefix("React.") if function is not None else ""
    is_hook = name in ("useMemo", "useState") or (name == "useRef" and node == creation)
    return call if is_first and is_hook else None


def from_hook(module: Module, call: Node) -> ClientVariable | None:
    """Return `const name = useMemo(…)`, `const [name] = useState(…)` or `name.current` of `useRef(…)`."""
    declarator, hook = call.parent, text_of(field_of(call, "function") or call).removeprefix("React.")
    pattern = field_of(declarator, "name")
    if declarator is None or declarator.type != "variable_declarator" or pattern is None:
        return None
    names = pattern.named_children if pattern.type == "array_pattern" else [pattern]
    if names[0].type != "identifier" or (pattern.type == "array_pattern") != (hook == "useState"):
        return None
    name = text_of(names[0])
    variable = ClientVariable((f"{name}.current" if hook == "useRef" else name,))
    others = {text_of(setter) for setter in names[1:]} | ({name} if hook == "useRef" else set())
    inside = {node.id for node in iter_nodes(pattern)}
    for node in module.nodes:
        is_other = node.type == "identifier" and text_of(node) in others and node.id not in inside
        if is_other and text_of(node.parent or node) != f"{name}.current":
            variable.escapes.append(node)
    return with_types(variable, call) and with_uses(module, variable, inside)
