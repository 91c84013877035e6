"""Report WebSocket clients in components such as .vue files, and in pages that cannot be parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from converter.problems import Problem, Severity
from converter.routes.project import Project, files_below

_SUFFIXES = frozenset({".vue", ".svelte", ".astro", ".html", ".htm", ".mdx", ".ejs", ".hbs", ".php"})
_CLIENT = re.compile(r"new WebSocket\(|socket\.io-client|socket\.io\.js|(?<![\w$.])io\(")
_BY_HAND = (
    "Move the script to a separate file and migrate again, or send with fetch(…, { method: 'POST' }) and "
    "receive with new EventSource(…)."
)


def find_markup_clients(project: Project, root: Path, parsed: set[Path]) -> Iterator[Problem]:
    """Yield the first line of each file that looks like a WebSocket client, apart from the `parsed` pages."""
    for file in files_below(root, _SUFFIXES):
        if file in parsed or not file.is_file() or not file.resolve().is_relative_to(root):
            continue
        for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), 1):
            if _CLIENT.search(line):
                message = (
                    f"scripts in {file.suffix} files are not parsed; this one seems to open a connection."
                )
                yield Problem(project.name(file), number, 1, Severity.ERROR, "front-end", message, _BY_HAND)
                break
