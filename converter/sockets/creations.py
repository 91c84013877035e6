"""Find where code creates servers of ws and socket.io, and what holds each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from converter.javascript.bindings import CASTS, Bindings
from converter.javascript.modules import Module, bound_names, read_module
from converter.javascript.syntax import Edits, field_of, string_value, text_of

from .model import Library
from .scopes import arguments_of

PACKAGES = {"ws": Library.WS, "socket.io": Library.SOCKET_IO}
# Methods that return the server itself.
_CHAINED = ("on", "once", "addListener", "use", "listen", "attach", "adapter", "path", "serveClient", "bind")
_CHOICES = (*CASTS, "ternary_expression", "binary_expression")
_FIELDS = ("field_definition", "public_field_definition")


@dataclass(frozen=True)
class Creation:
    """An expression that creates a server; `chain` is it with the methods that are called on it at once."""

    library: Library
    node: Node
    chain: Node
    holder: Node | None

    @property
    def calls(self) -> Iterator[Node]:
        """Yield the calls of methods in the chain, and the creation itself."""
        node: Node | None = self.chain
        while node is not None and node != self.node:
            yield node
            node = field_of(field_of(node, "function"), "object")
        yield self.node

    @property
    def name(self) -> str | None:
        """Return the name or the member that holds the server."""
        if self.holder is None:
            return None
        if self.holder.type in _FIELDS:
            name = field_of(self.holder, "property") or field_of(self.holder, "name")
            return f"this.{text_of(name)}" if name is not None else None
        target = field_of(self.holder, "name") or field_of(self.holder, "left")
        is_name = target is not None and target.type in ("identifier", "member_expression")
        return text_of(target) if target is not None and is_name else None


def creations_in(module: Module) -> Iterator[Creation]:
    """Yield the servers that a module creates."""
    if not any(link.specifier in PACKAGES for link in module.links):
        return
    origins = _Origins(module)
    for node in module.nodes:
        if node.type in ("new_expression", "call_expression"):
            library = origins.created_library(node)
            if library is not None:
                chain = _chain(node)
                yield Creation(library, node, chain, _holder(chain))


def with_names(module: Module) -> tuple[Module, dict[str, str]]:
    """Return a module in which each server that a member holds has a name of the same length instead.

    `this.io` becomes `this_io`, so that lines and columns stay. The names are returned with what they were.
    """
    members = {creation.name for creation in creations_in(module) if creation.name and "." in creation.name}
    names = {text_of(node) for node in module.nodes if node.type == "identifier"}
    members = {member for member in members if name_for(member) not in names}
    if not members:
        return module, {}
    edits = Edits(module.source.text)
    for node in module.nodes:
        if node.type == "member_expression" and text_of(node) in members:
            edits.node(node, name_for(text_of(node)))
    text = edits.apply().encode()
    renamed = read_module(module.path, module.source.name, esm_by_default=module.strict_esm, text=text)
    return renamed, {name_for(member): member for member in members}


def name_for(member: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_$" else "_" for letter in member)


def _chain(node: Node) -> Node:
    """Return an expression with the calls after it that return the same server."""
    while (member := node.parent) is not None and member.type == "member_expression":
        name, call = field_of(member, "property"), member.parent
        is_callee = (
            call is not None and call.type == "call_expression" and field_of(call, "function") == member
        )
        if call is None or name is None or not is_callee or text_of(name) not in _CHAINED:
            break
        node = call
    return node


def _holder(chain: Node) -> Node | None:
    """Return the declaration, assignment or field that a value goes to."""
    parent = chain.parent
    while parent is not None and parent.type in _CHOICES:
        parent = parent.parent
    while parent is not None and parent.type == "assignment_expression" and parent.parent is not None:
        if parent.parent.type != "variable_declarator":
            return parent
        parent = parent.parent  # const io = module.exports = new Server()
    is_holder = parent is not None and parent.type in ("variable_declarator", *_FIELDS)
    is_augmented = parent is not None and parent.type == "augmented_assignment_expression"
    return parent if is_holder or is_augmented else None


class _Origins:
    """What the names of a module are in the packages that create servers."""

    def __init__(self, module: Module) -> None:
        self._bindings = Bindings(module)
        self._imported: dict[str, tuple[str, str]] = {}
        for link in module.links:
            if link.specifier in PACKAGES and not link.type_only:
                for binding in link.bindings:
                    if binding.local:
                        self._imported[binding.local] = link.specifier, binding.imported
        self._parts = dict(self._pattern_parts(module))

    def created_library(self, node: Node) -> Library | None:
        """Recognize `new WebSocketServer()`, `new WebSocket.Server()`, `new Server()`, `socketio(server)`."""
        is_call = node.type == "call_expression"
        origin = self._origin(field_of(node, "function" if is_call else "constructor"))
        if origin is None:
            return None
        library, member = PACKAGES[origin[0]], origin[1].rpartition(".")[2]
        # The default export of socket.io is, or was, a function that creates a server.
        is_server = library == Library.SOCKET_IO and member == ""
        if is_call:
            return library if is_server or (library == Library.SOCKET_IO and member == "listen") else None
        # `new WebSocket()` is a client; the local name may differ.
        return library if is_server or member.endswith("Server") else None

    def _origin(self, value: Node | None, depth: int = 0) -> tuple[str, str] | None:
        """Return the package and the members of it that an expression means; `default` is left out."""
        while value is not None and value.type in CASTS and value.named_children:
            value = value.named_children[0]
        if value is None or depth > 9:
            return None
        if value.type == "member_expression":
            origin = self._origin(field_of(value, "object"), depth + 1)
            name = field_of(value, "property")
            return _member(origin, text_of(name)) if origin is not None and name is not None else None
        if value.type == "call_expression":
            function, arguments = field_of(value, "function"), arguments_of(value)
            is_import = function is not None and text_of(function) in ("require", "import") and arguments
            package = string_value(arguments[0]) if is_import else None
            return (package, "") if package in PACKAGES and package is not None else None
        if value.type != "identifier":
            return None
        name_text = text_of(value)
        if name_text in self._imported:
            package, imported = self._imported[name_text]
            return _member((package, ""), imported)
        if name_text in self._parts:
            source, key = self._parts[name_text]
            origin = self._origin(source, depth + 1)
            return _member(origin, key) if origin is not None else None
        return self._origin(self._bindings.value_of(value), depth + 1)

    def _pattern_parts(self, module: Module) -> Iterator[tuple[str, tuple[Node, str]]]:
        """Yield the names that a pattern takes from a module that is imported when the code runs."""
        for node in module.nodes:
            pattern, source = field_of(node, "name"), field_of(node, "value")
            if node.type == "arrow_function":
                pattern, source = _then_parameter(node)
            elif node.type != "variable_declarator":
                continue
            if pattern is None or source is None:
                continue
            if pattern.type == "identifier":
                yield text_of(pattern), (source, "")
            for part in pattern.named_children if pattern.type == "object_pattern" else ():
                key = field_of(part, "key") or field_of(part, "left") or part
                for name in bound_names(part):
                    yield text_of(name), (source, text_of(key))


def _then_parameter(function: Node) -> tuple[Node | None, Node | None]:
    """Return the parameter of `import("…").then((parameter) => …)`, and the import."""
    arguments = function.parent
    call = arguments.parent if arguments is not None and arguments.type == "arguments" else None
    callee = field_of(call, "function")
    source, name = field_of(callee, "object"), field_of(callee, "property")
    if source is None or name is None or text_of(name) != "then":
        return None, None
    several = field_of(function, "parameters")
    parameter = field_of(function, "parameter") or next(iter(several.named_children if several else ()), None)
    return field_of(parameter, "pattern") or parameter, source


def _member(origin: tuple[str, str], name: str) -> tuple[str, str]:
    package, members = origin
    return origin if name in ("default", "*", "") else (package, f"{members}.{name}")
