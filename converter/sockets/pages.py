"""Read the scripts of HTML pages: everything else becomes spaces, so that lines and offsets stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from converter.javascript.modules import Module, read_module
from converter.routes.module_checks import parse_problems
from converter.routes.project import Project, files_below

SUFFIXES = frozenset({".html", ".htm"})
_SCRIPT = re.compile(rb"<script\b([^>]*)>(.*?)</script\s*>", re.IGNORECASE | re.DOTALL)
_TYPE = re.compile(rb"""\btype\s*=\s*["']?([\w/+.-]+)""", re.IGNORECASE)
_SCRIPT_TYPES = (b"module", b"text/javascript", b"application/javascript", b"text/babel", b"text/jsx")
# The client that a server of socket.io, or a network for packages, offers.
LIBRARY_TAG = re.compile(
    rb"""<script\b[^>]*\bsrc\s*=\s*["']?[^"'>]*socket\.io(?:\.esm|\.slim|\.msgpack)?(?:\.min)?\.js[^>]*>\s*</script\s*>""",
    re.IGNORECASE,
)


@dataclass
class Page:
    """A page with its text, and its scripts as one module."""

    text: bytes
    module: Module

    def mentions(self, name: str) -> bool:
        """Return whether an attribute such as `onclick` mentions a name of the scripts."""
        outside = _SCRIPT.sub(b"", self.text)
        handlers = rb"""\bon\w+\s*=\s*(?:"[^"]*\b%(name)s\b|'[^']*\b%(name)s\b)""" % {
            b"name": re.escape(name).encode()
        }
        return re.search(handlers, outside, re.IGNORECASE) is not None


def pages_of(project: Project, root: Path) -> Iterator[Page]:
    """Yield the pages below a directory whose scripts can be parsed."""
    for file in files_below(root, SUFFIXES):
        if file.is_file() and file.resolve().is_relative_to(root):
            text = file.read_bytes()
            module = read_module(file, project.name(file), esm_by_default=False, text=_scripts_of(text))
            if not parse_problems(module):
                yield Page(text, module)


def _scripts_of(text: bytes) -> bytes:
    """Return a page with spaces in place of all but its scripts and line ends."""
    scripts = bytearray(re.sub(rb"[^\r\n]", b" ", text))
    for match in _SCRIPT.finditer(text):
        kind = _TYPE.search(match[1])
        if kind is None or kind[1].lower() in _SCRIPT_TYPES:
            scripts[match.start(2) : match.end(2)] = match[2]
    return bytes(scripts)
