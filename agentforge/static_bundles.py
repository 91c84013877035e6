"""Put the modules that a script imports into one file, so that a page needs one request instead of thirty.

The sources stay native modules, which is what browsers get wherever nothing was collected. Only the syntax
that they use is known; anything else is refused, which a test of the sources shows before a release.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field

Read = Callable[[str], str]

_IMPORT = re.compile(r'^import (?:\{([^}]*)\} from )?"(\.[^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function\*?|class|const) ([\w$]+)", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_BLOCK_COMMENT = re.compile(r"^[ \t]*/\*.*?\*/[ \t]*$", re.MULTILINE | re.DOTALL)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


class NotBundled(Exception):
    """A script uses syntax that can't be put into one file; the message names it."""


@dataclass
class _Bundle:
    read: Read
    folder: str
    parts: list[str] = field(default_factory=list)
    # The variable that holds a module's exports, by the module's name; None while the module is being read.
    variables: dict[str, str | None] = field(default_factory=dict)

    def add(self, name: str) -> str:
        """Add a module behind those that it imports, once; return the variable of its exports."""
        if name in self.variables:
            variable = self.variables[name]
            if variable is None:
                raise NotBundled(f"{name} imports itself through others.")
            return variable
        self.variables[name] = None
        text = _IMPORT.sub(lambda found: self._constants(name, found), self.read(name))
        exported = [found[2] for found in _EXPORT.finditer(text)]
        text = _EXPORT.sub(r"\1 \2", text)
        if other := _OTHER.search(text):
            raise NotBundled(f"{name}: {other[0]}")
        # Addresses are relative to the module that names them.
        own = posixpath.relpath(name, self.folder)
        text = text.replace("import.meta.url", f'new URL("{own}", import.meta.url).href')
        variable = self.variables[name] = f"module{len(self.parts)}"
        ends = f"return {{ {', '.join(exported)} }};\n" if exported else ""
        self.parts.append(f"const {variable} = (() => {{\n{compact_script(name, text)}{ends}}})();\n")
        return variable

    def _constants(self, name: str, found: re.Match[str]) -> str:
        variable = self.add(posixpath.normpath(posixpath.join(posixpath.dirname(name), found[2])))
        if found[1] is None:
            return ""
        return f"const {{ {found[1].strip().replace(' as ', ': ')} }} = {variable};\n"


def bundle(read: Read, name: str) -> str:
    """Return one script that does what a module and all that it imports do; `read` returns a module's text.

    Raises NotBundled.
    """
    made = _Bundle(read, posixpath.dirname(name))
    made.add(name)
    return "".join(made.parts)


def compact_script(name: str, text: str) -> str:
    """Return a script without indentation, and without comments that have lines of their own."""
    lines = [line.strip() for line in _BLOCK_COMMENT.sub("", text).splitlines()]
    kept = [line for line in lines if line and not line.startswith("//")]
    if several := next((line for line in kept if line.count("`") % 2), None):
        raise NotBundled(f"{name}: a template literal of several lines: {several}")
    return "".join(f"{line}\n" for line in kept)


def compact_style(text: str) -> str:
    """Return a stylesheet without comments and indentation."""
    lines = [line.strip() for line in _CSS_COMMENT.sub("", text).splitlines()]
    return "".join(f"{line}\n" for line in lines if line)
