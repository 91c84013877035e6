"""Check whether each use of a connection can be rewritten."""

from __future__ import annotations

from dataclasses import dataclass, field

from tree_sitter import Node

from converter.javascript.modules import Module
from converter.javascript.syntax import field_of, has_child, string_value, text_of
from converter.problems import Problem, Severity

from .client_variables import is_harmless
from .held_connections import ClientVariable
from .model import Library, Server
from .scopes import FUNCTIONS, arguments_of

BY_HAND = "Send with fetch(…, { method: 'POST' }), and receive with new EventSource(…)."
ADDING = ("on", "once", "addListener")
REMOVING = ("off", "removeListener", "removeAllListeners")
# What a socket.io client tells of its connection.
FACTS = ("id", "connected", "disconnected")
# Shared by WebSocket and EventSource.
_PROPERTIES = ("onmessage", "onopen", "onerror", "readyState", "close")
_EVENTS = ("message", "open", "error")
# Events without a counterpart: a stream ends every few seconds, and goes on by itself.
LOST_EVENTS = (
    *("disconnect", "reconnect", "reconnecting", "reconnect_attempt", "reconnect_error", "reconnect_failed"),
    *("connect_timeout", "connecting", "error", "ping", "pong"),
)
_KEEPING = ("member_expression", "variable_declarator", "assignment_expression", "arguments", "array", "pair")


@dataclass
class UseChecker:
    """Checks the uses of a connection in one module."""

    module: Module
    library: Library
    name: str
    server: Server | None
    problems: list[Problem] = field(default_factory=list)

    def check(self, held: ClientVariable) -> None:
        for node in held.escapes:
            self._refuse_escape(node)
        for node in held.uses:
            if not is_harmless(node):
                self._check_use(node)

    def _refuse(self, node: Node, message: str) -> None:
        self.problems.append(self.module.problem(node, "front-end", message, BY_HAND))

    def _warn(self, node: Node, message: str) -> None:
        by_hand = "This listener is left out; show the state of the connection with readyState."
        self.problems.append(self.module.problem(node, "front-end", message, by_hand, Severity.WARNING))

    def _refuse_escape(self, node: Node) -> None:
        self._refuse(node, f"{self.name} is passed on, so not all its uses are known.")

    def _check_use(self, node: Node) -> None:
        parent = node.parent
        if parent is None or parent.type != "member_expression" or field_of(parent, "object") != node:
            self._refuse_escape(node)
            return
        member = text_of(field_of(parent, "property") or parent)
        call = parent.parent if parent.parent and parent.parent.type == "call_expression" else None
        if call is not None and field_of(call, "function") != parent:
            call = None
        if self.library == Library.SOCKET_IO and call is None and member in FACTS and not _is_target(parent):
            return
        if has_child(parent, "optional_chain") and not _is_statement(call or parent):
            self._refuse(node, f"the value of {self.name}?.{member} is used.")
        elif call is not None and call.parent is not None and call.parent.type in _KEEPING:
            # A chained `.on`, for example: what replaces these calls returns something else.
            self._refuse(node, f"the value of {self.name}.{member}(…) is used.")
        elif self.library == Library.WS:
            self._check_ws_use(parent, member, arguments_of(call) if call is not None else [])
        else:
            self._check_socket_io_use(parent, member, call)

    def _check_ws_use(self, node: Node, member: str, arguments: list[Node]) -> None:
        if member == "send" and len(arguments) == 1:
            return
        if member in ("addEventListener", "removeEventListener") and arguments:
            if string_value(arguments[0]) not in _EVENTS:
                self._refuse(node, "an EventSource only has the events message, open and error.")
        elif member == "close" and arguments:
            self._refuse(node, "an EventSource closes without a code.")
        elif member not in _PROPERTIES:
            self._refuse(node, f"an EventSource has no {member}.")

    def _check_socket_io_use(self, node: Node, member: str, call: Node | None) -> None:
        arguments = arguments_of(call) if call is not None else []
        event = string_value(arguments[0]) if arguments else None
        if call is not None and member in ("disconnect", "close") and not arguments:
            return
        if member == "emit" and event is not None:
            if self.server and event not in {handler.event for handler in self.server.handlers}:
                self._refuse(node, f"the server has no handler for '{event}'.")
            return
        kinds = (*FUNCTIONS, "identifier", "member_expression")
        is_heard = event is not None and len(arguments) == 2 and arguments[1].type in kinds
        if member in ADDING and is_heard and (event not in LOST_EVENTS or _is_whole_statement(call)):
            if event in LOST_EVENTS:
                self._warn(node, f"'{event}' has no counterpart, as an EventSource reconnects by itself.")
            return
        if member in REMOVING and call is not None and _is_removal(arguments, event, kinds):
            return
        self._refuse(node, f"{self.name}.{member}({event or ''}) cannot be rewritten safely.")


def _is_removal(arguments: list[Node], event: str | None, kinds: tuple[str, ...]) -> bool:
    """Return whether a call removes all listeners, those of an event, or one."""
    return not arguments or (event is not None and all(part.type in kinds for part in arguments[1:2]))


def _is_whole_statement(call: Node | None) -> bool:
    return call is not None and call.parent is not None and call.parent.type == "expression_statement"


def _is_target(member: Node) -> bool:
    parent = member.parent
    is_assigned = parent is not None and parent.type in (
        "assignment_expression",
        "augmented_assignment_expression",
    )
    return is_assigned and field_of(parent, "left") == member


def _is_statement(node: Node) -> bool:
    """Return whether nothing uses the value of an expression, or only a function that returns it."""
    return node.parent is not None and node.parent.type in ("expression_statement", "arrow_function")
