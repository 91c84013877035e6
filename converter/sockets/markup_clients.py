"""Name pages and components that open a connection in a language that is not read here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from converter.problems import Problem, Severity
from converter.routes.project import Project, files_below

_SUFFIXES = frozenset({".vue", ".svelte", ".astro", ".html", ".htm", ".mdx", ".ejs", ".hbs", ".php"})
_SIGNS = ("new WebSocket(", "socket.io-client", "socket.io.js", "io(")
_BY_HAND = (
    "Move the script to a file of its own and migrate again, or send with fetch(…, { method: 'POST' }) and "
    "listen with new EventSource(…)."
)


def unread_pages(project: Project, root: Path) -> Iterator[Problem]:
    """Yield the first place in each file that looks like a client of a WebSocket."""
    for file in files_below(root, _SUFFIXES):
        if not file.is_file() or not file.resolve().is_relative_to(root):
            continue
        for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), 1):
            if any(sign in line for sign in _SIGNS[:3]) or _calls_io(line):
                message = f"a script in a {file.suffix} file is not read, and seems to open a connection."
                yield Problem(project.name(file), number, 1, Severity.ERROR, "front-end", message, _BY_HAND)
                break


def _calls_io(line: str) -> bool:
    """Say whether a line calls `io`, and no other function whose name ends so."""
    before, call, _ = line.partition(_SIGNS[3])
    return bool(call) and not before[-1:].isalnum() and before[-1:] not in ("_", "$", ".")
