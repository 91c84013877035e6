"""The model of a WebSocket server."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from tree_sitter import Node

from converter.javascript.modules import Module, declared_names
from converter.javascript.project_state import ProjectState, State
from converter.javascript.syntax import text_of
from converter.problems import Problem, has_errors
from converter.routes.layout import slug, unique_name

from .enclosing_functions import independent_functions, local_names
from .pages import Page


class Library(StrEnum):
    WS = "ws"
    SOCKET_IO = "socket.io"


class Replacement(StrEnum):
    POST = "a POST function"
    CHANNEL = "an SSE channel"
    BOTH = "a POST function and an SSE channel"


@dataclass
class Handler:
    """The code for one kind of message; `event` is `message` for ws, `connection` for the greeting."""

    event: str
    node: Node
    code: str
    replies: bool = False
    broadcasts: bool = False
    arity: int = 1  # without the acknowledgement callback
    problems: list[Problem] = field(default_factory=list)

    @property
    def replacement(self) -> Replacement:
        if self.event == "connection":
            return Replacement.CHANNEL
        return Replacement.BOTH if self.broadcasts else Replacement.POST

    @property
    def line(self) -> int:
        return self.node.start_point.row + 1

    @property
    def convertible(self) -> bool:
        return not has_errors(self.problems)


@dataclass
class Server:
    """A server, with the names its code gives to itself, a connection and the upgrade request."""

    library: Library
    module: Module
    name: str
    line: int
    variable: str
    declarator: Node
    path: str | None = None
    # How the code names the server, the expressions that mean it besides its variable, and the arguments it
    # was created with.
    label: str = ""
    chain: list[Node] = field(default_factory=list)
    created: list[Node] = field(default_factory=list)
    options: list[Node] = field(default_factory=list)
    socket: str = "socket"
    request: str = "request"
    listener: Node | None = None
    handlers: list[Handler] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    states: list[State] = field(default_factory=list)

    @property
    def file(self) -> str:
        return self.module.source.name

    @property
    def url(self) -> str:
        return f"/sockets/{self.name}"

    @property
    def owners(self) -> set[str]:
        """Return the texts on which code registers connection listeners."""
        owners = {self.variable, *(text_of(node) for node in self.chain)}
        return owners | {f"{owner}.sockets" for owner in owners}

    def place_of(self, event: str) -> str:
        """Return the last part of the URL of an event, in which a space or a colon is a hyphen."""
        taken: set[str] = set()
        events = dict.fromkeys(handler.event for handler in self.handlers)
        return {each: unique_name(slug(each, allowed="_-"), taken) for each in events}[event]

    @property
    def own_names(self) -> set[str]:
        return {self.variable, self.socket, self.request}

    @property
    def top_level(self) -> list[Node]:
        """Return what handlers may depend on, including independent functions around the server."""
        return [*self.module.source.root.named_children, *self._lifted]

    @cached_property
    def _lifted(self) -> list[Node]:
        return independent_functions(self.declarator, self.variable)

    @cached_property
    def names_around(self) -> set[str]:
        """Return the names around the server that handlers cannot take along."""
        lifted = {text_of(name) for statement in self._lifted for name in declared_names(statement)}
        return local_names(self.declarator) - {self.variable} - lifted

    @property
    def has_channel(self) -> bool:
        """Whether browsers have to listen; with ws they always do, as it has no acknowledgements."""
        return self.library == Library.WS or any(
            h.broadcasts or h.event == "connection" for h in self.handlers
        )

    def is_state(self, statement: Node) -> bool:
        """Return whether a declaration holds state, which is lost between two calls of a function."""
        return any(state.node.id == statement.id for state in self.states)

    def all_problems(self) -> list[Problem]:
        return [*self.problems, *(problem for handler in self.handlers for problem in handler.problems)]

    def as_dict(self) -> dict[str, Any]:
        handlers = [
            {"event": h.event, "line": h.line, "becomes": str(h.replacement), "generated": h.convertible}
            for h in self.handlers
        ]
        return {
            "file": self.file,
            "line": self.line,
            "library": str(self.library),
            "url": self.url,
            "handlers": handlers,
        }


@dataclass
class Analysis:
    """The servers of a project, and the modules that may contain clients."""

    root: Path
    servers: list[Server] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)
    pages: dict[Path, Page] = field(default_factory=dict)
    state: ProjectState = field(default_factory=lambda: ProjectState([]))
    problems: list[Problem] = field(default_factory=list)
