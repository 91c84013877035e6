"""Lay out an agent's Go module: fixed sources, one JSON file, and the tools that were chosen.

`files.json` beside the sources lists what belongs to which program. Text of a user is only ever in
`agent.json`, which Go embeds by a literal name (law 4).
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from django.conf import settings

from builds.errors import BuildError

TEMPLATE_MODULE = "agent.local/a0000000000000000"
LIST = "files.json"
CONFIGURATION = "agent.json"


@dataclass(frozen=True)
class Sources:
    """Hold the agent's sources as read from disk, and which of them belong to what."""

    files: Mapping[str, bytes]
    runtime: Sequence[str]
    targets: Mapping[str, Sequence[str]]
    tools: Mapping[str, Sequence[str]]

    @functools.cached_property
    def digest(self) -> str:
        """Return the sha256 over all names and contents, in hex."""
        return _digest(self.files, self.files)

    def digest_of(self, program: str) -> str:
        """Return the sha256 over all that can become part of one program, in hex."""
        groups = [self.runtime, self.targets[program], *self.tools.values()]
        if program == "plugin":
            groups.append(self.targets["host"])
        return _digest(self.files, {name for group in groups for name in group})

    @functools.cached_property
    def host_digest(self) -> str:
        """Return the sha256 over the host's own files, in hex."""
        return _digest(self.files, self.targets["host"])


def _digest(files: Mapping[str, bytes], names: Iterable[str]) -> str:
    total = hashlib.sha256()
    for name in sorted(names):
        total.update(f"{name}\0{len(files[name])}\0".encode())
        total.update(files[name])
    return total.hexdigest()


def read() -> Sources:
    """Read the agent's sources that its list names; whatever else lies there is left alone.

    Raises BuildError when the list is damaged or a file is missing.
    """
    root = Path(settings.AGENTFORGE_AGENT_SOURCES)
    try:
        listed = json.loads((root / LIST).read_text())
        groups = [listed["runtime"], *listed["targets"].values(), *listed["tools"].values()]
        names = {str(name) for group in groups for name in group}
        if any(PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name in names):
            raise ValueError("a path leads outside")
        files = {name: (root / name).read_bytes() for name in sorted(names)}
        return Sources(files, listed["runtime"], listed["targets"], listed["tools"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise BuildError(f"The agent's sources are damaged, an operator has to mend them: {error}") from error


def module_path(document: str, sources: Sources, program: str = "plugin") -> str:
    """Return the module path of one agent: every build needs its own, or plugins shadow each other."""
    content = hashlib.sha256(f"{sources.digest_of(program)}\0{document}".encode()).hexdigest()
    return f"agent.local/a{content[:16]}"


def chosen_tools(document: str) -> list[str]:
    """Return the tools that a revision's canonical JSON chooses."""
    return [str(name) for name in json.loads(document)["capabilities"]["tools"]]


def lay_out_agent(directory: Path, sources: Sources, *, target: str, module: str, document: str) -> None:
    """Write the module of one agent's program `target` into an empty directory.

    Raises BuildError for a tool that the sources do not have.
    """
    tools = chosen_tools(document)
    if unknown := sorted(set(tools) - set(sources.tools)):
        raise BuildError(f"The forge has no such tools: {', '.join(unknown)}. Save Capabilities again.")
    chosen = [name for tool in tools for name in sources.tools[tool]]
    _write(directory, sources, [*sources.runtime, *sources.targets[target], *chosen], module)
    (directory / CONFIGURATION).write_text(document, encoding="utf-8")


def lay_out_host(directory: Path, sources: Sources) -> None:
    """Write the module of the host into an empty directory; it knows of no agent."""
    _write(directory, sources, sources.targets["host"], TEMPLATE_MODULE)


def _write(directory: Path, sources: Sources, names: Iterable[str], module: str) -> None:
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sources.files[name].replace(TEMPLATE_MODULE.encode(), module.encode()))
