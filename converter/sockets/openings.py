"""Find where browser code opens connections."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from converter.javascript.modules import Link, LinkKind, Module
from converter.javascript.syntax import field_of, string_value, text_of
from converter.routes.rewriter import is_elided, used_names

from .model import Library
from .scopes import arguments_of

_GLOBALS = ("window", "globalThis", "self")
_SOCKET_IO = "socket.io-client"
_WS = ("ws", "isomorphic-ws")
# Packages that open connections in a way of their own.
_OTHER_CLIENTS = (
    *(
        _SOCKET_IO,
        "reconnecting-websocket",
        "partysocket",
        "react-use-websocket",
        "sockjs-client",
        "websocket",
    ),
    *("vue-socket.io", "vue-socket.io-extended", "ngx-socket-io", "socket.io-react-hook", "engine.io-client"),
    *("rxjs/webSocket", "robust-websocket", "@stomp/stompjs", "websocket-as-promised"),
)


def openings_in(module: Module) -> Iterator[tuple[Node, Library]]:
    """Yield the expressions that open a connection."""
    names = {
        b.local: b.imported for link in module.links if link.specifier == _SOCKET_IO for b in link.bindings
    }
    is_own_io = "io" in names or _declares(module, "io")
    opening = {local for local, imported in names.items() if imported in ("io", "default", "connect", "*")}
    opening |= {f"{owner}.{member}" for owner in opening for member in ("io", "connect", "default")}
    if not is_own_io:  # the script that the server offers, /socket.io/socket.io.js
        opening |= {"io", "io.connect"} | {f"{name}.io" for name in _GLOBALS}
    is_own_socket = _declares(module, "WebSocket")
    for node in module.nodes:
        if node.type == "new_expression":
            name = text_of(field_of(node, "constructor") or node)
            is_plain = name == "WebSocket" and not is_own_socket
            if is_plain or name in [f"{owner}.WebSocket" for owner in _GLOBALS]:
                yield node, Library.WS
        function = field_of(node, "function") if node.type == "call_expression" else None
        if function is not None and (text_of(function) in opening or _is_required(function)):
            yield node, Library.SOCKET_IO


def _is_required(function: Node) -> bool:
    """Recognize `require("socket.io-client")(…)` and its members."""
    call = field_of(function, "object") if function.type == "member_expression" else function
    if (
        call is None
        or call.type != "call_expression"
        or text_of(field_of(call, "function") or call) != "require"
    ):
        return False
    arguments = arguments_of(call)
    return bool(arguments) and string_value(arguments[0]) == _SOCKET_IO


def _declares(module: Module, name: str) -> bool:
    """Return whether a module has a name of its own for something else."""
    kinds = ("variable_declarator", "function_declaration", "class_declaration")
    if any(text_of(field_of(node, "name") or node) == name for node in module.nodes if node.type in kinds):
        return True
    return any(binding.local == name for link in module.links for binding in link.bindings if name == "io")


def runs_in_node(module: Module) -> bool:
    """Return whether a module takes the WebSocket of a package for Node."""
    bindings = (b for link in module.links if link.specifier in _WS for b in link.bindings)
    return any(binding.local == "WebSocket" for binding in bindings)


def unknown_client(module: Module) -> Link | None:
    """Return the import of a package that opens connections in a module where none was recognized."""
    used = used_names(module, keep_types=False)
    for link in module.links:
        if link.specifier in _OTHER_CLIENTS and link.kind != LinkKind.EXPORT and not is_elided(link, used):
            return link
    return None
