"""The understood model of a WebSocket server."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from tree_sitter import Node

from converter.javascript.modules import Module
from converter.problems import Problem, Severity


class Library(StrEnum):
    WS = "ws"
    SOCKET_IO = "socket.io"


class Replacement(StrEnum):
    POST = "a POST function"
    CHANNEL = "an SSE channel"
    BOTH = "a POST function and an SSE channel"


@dataclass
class Handler:
    """What happens on one kind of message; `event` is `message` for ws, `connection` for the greeting."""

    event: str
    node: Node
    code: str
    replies: bool = False
    broadcasts: bool = False
    takes: int = 1  # arguments, apart from the function that acknowledges
    problems: list[Problem] = field(default_factory=list)

    @property
    def becomes(self) -> Replacement:
        if self.event == "connection":
            return Replacement.CHANNEL
        return Replacement.BOTH if self.broadcasts else Replacement.POST

    @property
    def line(self) -> int:
        return self.node.start_point.row + 1

    @property
    def certain(self) -> bool:
        return not any(problem.severity == Severity.ERROR for problem in self.problems)


@dataclass
class Server:
    """A server in a file: the names that its code uses for itself, a connection and the first request."""

    library: Library
    module: Module
    name: str
    line: int
    variable: str
    declarator: Node
    path: str | None = None
    socket: str = "socket"
    request: str = "request"
    listener: Node | None = None
    handlers: list[Handler] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def file(self) -> str:
        return self.module.source.name

    @property
    def url(self) -> str:
        return f"/sockets/{self.name}"

    @property
    def has_channel(self) -> bool:
        """Say whether browsers have to listen: they do so with ws in any case, as there are no answers."""
        return self.library == Library.WS or any(
            h.broadcasts or h.event == "connection" for h in self.handlers
        )

    def all_problems(self) -> list[Problem]:
        return [*self.problems, *(problem for handler in self.handlers for problem in handler.problems)]

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        handlers = [
            {"event": h.event, "line": h.line, "becomes": str(h.becomes), "generated": h.certain}
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
    """All that the analysis knows: the servers, and the modules of the project that could hold clients."""

    root: Path
    servers: list[Server] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
