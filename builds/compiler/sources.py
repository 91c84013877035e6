"""Lay out an agent's Go module: fixed sources, one JSON file, its providers' APIs and the chosen tools.

`files.json` beside the sources lists the files of each program. Text of a user is only in `agent.json`, which
Go embeds under a literal name (law 4).

The directory is two modules. What is an agent's own, the files at the top and the program's main package, is
compiled under the path of the build. All other packages are imported by a path named after their contents:
agents with the same one share them, compiled once.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from django.conf import settings

from builds.errors import BuildError

TEMPLATE_MODULE = "agent.local/a0000000000000000"
LIST = "files.json"
CONFIGURATION = "agent.json"
_GO_MOD = "go.mod"
# Go indexes packages whose files are older than two seconds, and fails where the cache can't be written
# (cmd/go/internal/modindex, dirHash). So files are newer than any compilation, however long it waits.
_NEWER_SECONDS = 24 * 3600
# Longer than a file system's clock stands still.
_TICK_NANOSECONDS = 2 * 10**9
# The index of an agent's files, and the tool that reads it.
INDEX = "knowledge.bin"
_SEARCH = "knowledge_search"
# The tool that reads an agent's skills.
_SKILL = "skill"


_State = list[tuple[int, ...]]


@dataclass(frozen=True)
class Sources:
    """The agent's sources as read from disk, and the files of each program, API and tool."""

    files: Mapping[str, bytes]
    runtime: Sequence[str]
    targets: Mapping[str, Sequence[str]]
    apis: Mapping[str, Sequence[str]]
    tools: Mapping[str, Sequence[str]]
    _digests: dict[str, str] = field(init=False, default_factory=dict, compare=False, repr=False)

    @functools.cached_property
    def digest(self) -> str:
        """Return the sha256 (hex) of all names and contents."""
        return _digest(self.files, self.files)

    def digest_of(self, program: str) -> str:
        """Return the sha256 (hex) of all files that can become part of a program."""
        if program not in self._digests:
            self._digests[program] = self._digest_of(program)
        return self._digests[program]

    def _digest_of(self, program: str) -> str:
        # The indexer writes what the tool reads.
        groups = [self.runtime, self.targets[program], self.targets["indexer"]]
        groups += [*self.apis.values(), *self.tools.values()]
        if program == "plugin":
            groups.append(self.targets["host"])
        return _digest(self.files, {name for group in groups for name in group})

    @functools.cached_property
    def host_digest(self) -> str:
        """Return the sha256 (hex) of the host's files."""
        return self.digest_alone("host")

    def digest_alone(self, program: str) -> str:
        """Return the sha256 (hex) of the files of a program that contains no agent."""
        return _digest(self.files, self.targets[program])


def _digest(files: Mapping[str, bytes], names: Iterable[str]) -> str:
    total = hashlib.sha256()
    for name in sorted(names):
        total.update(f"{name}\0{len(files[name])}\0".encode())
        total.update(files[name])
    return total.hexdigest()


# What was read last, with the state of its files.
_kept: dict[Path, tuple[_State, Sources]] = {}


def read() -> Sources:
    """Read the source files named in `files.json`, unless nobody wrote to any of them since.

    Raises BuildError if the list is damaged or a file is missing.
    """
    root = Path(settings.AGENTFORGE_AGENT_SOURCES)
    try:
        kept = _kept.get(root)
        if kept is not None and kept[0] == _state(root, kept[1]):
            return kept[1]
        _kept.clear()
        began = time.time_ns()
        read = _read(root)
        state = _state(root, read)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise BuildError(f"The agent's sources are damaged; ask your operator: {error}") from error
    # Who writes twice within a tick of the file system's clock leaves no trace the second time.
    if max(changed for *_, changed in state) < began - _TICK_NANOSECONDS:
        _kept[root] = state, read
    return read


def _read(root: Path) -> Sources:
    index = json.loads((root / LIST).read_text())
    parts = [index[name] for name in ("targets", "apis", "tools")]
    groups = [index["runtime"], *(group for part in parts for group in part.values())]
    names = {str(name) for group in groups for name in group}
    if any(PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name in names):
        raise ValueError("a path leads outside")
    files = {name: (root / name).read_bytes() for name in sorted(names)}
    return Sources(files, index["runtime"], *parts)


def _state(root: Path, of: Sources) -> _State:
    """Return what changes with any write: who writes to a file can set its mtime back, but not its ctime."""
    stats = [os.stat(f"{root}/{name}") for name in (LIST, *of.files)]
    return [(stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) for stat in stats]


def module_path(document: str, sources: Sources, program: str = "plugin") -> str:
    """Return an agent's module path, which must be unique: plugins with the same path shadow each other."""
    digest = hashlib.sha256(f"{sources.digest_of(program)}\0{document}".encode()).hexdigest()
    return f"agent.local/a{digest[:16]}"


def chosen_tools(document: str) -> list[str]:
    """Return the tools that are compiled in: the chosen ones, and those that come with files and skills."""
    configuration = json.loads(document)
    own = [tool for tool, section in ((_SEARCH, "knowledge"), (_SKILL, "skills")) if section in configuration]
    return [str(name) for name in configuration["capabilities"]["tools"]] + own


def chosen_apis(document: str) -> list[str]:
    """Return the APIs of the providers that an agent asks."""
    sections = json.loads(document)
    return sorted({str(sections[name]["api"]) for name in ("provider", "fallback") if name in sections})


def runtime_path(sources: Sources, program: str, apis: Sequence[str]) -> str:
    """Return the module path of a program's shared packages, which differs with any byte of them."""
    return f"agent.local/r{_digest(sources.files, _shared_names(sources, program, apis))[:16]}"


def lay_out_agent(
    directory: Path, sources: Sources, *, target: str, module: str, document: str, with_shared: bool = True
) -> None:
    """Write the module of an agent's program into a directory, with the packages that it shares or without.

    Raises BuildError for an API or a tool without sources.
    """
    apis, tools = chosen_apis(document), chosen_tools(document)
    if unknown := sorted(set(tools) - set(sources.tools)):
        raise BuildError(
            f"The forge does not have these tools: {', '.join(unknown)}. Save Capabilities again."
        )
    if unknown := sorted(set(apis) - set(sources.apis)):
        raise BuildError(
            f"The forge does not have these providers' APIs: {', '.join(unknown)}. Save API keys again."
        )
    _lay_out(directory, sources, target, module, apis, tools, with_shared=with_shared)
    (directory / CONFIGURATION).write_text(document, encoding="utf-8")


def lay_out_neutral(
    directory: Path,
    sources: Sources,
    *,
    target: str,
    apis: Sequence[str] | None = None,
    tools: Sequence[str] | None = None,
    module: str = TEMPLATE_MODULE,
) -> None:
    """Write the module of a program with these APIs and tools (all by default), but without an agent."""
    chosen = sorted(sources.apis) if apis is None else apis
    _lay_out(directory, sources, target, module, chosen, sorted(sources.tools) if tools is None else tools)
    (directory / CONFIGURATION).write_text("{}", encoding="utf-8")
    (directory / INDEX).touch()


def lay_out_alone(directory: Path, sources: Sources, program: str) -> None:
    """Write the module of a program that contains no agent into an empty directory."""
    _write(directory, _renamed(sources, sources.targets[program], {}))


def _lay_out(
    directory: Path,
    sources: Sources,
    program: str,
    module: str,
    apis: Sequence[str],
    tools: Iterable[str],
    *,
    with_shared: bool = True,
) -> None:
    runtime = runtime_path(sources, program, apis)
    groups = [sources.runtime, sources.targets[program], *(sources.apis[api] for api in apis)]
    names = {name for group in [*groups, *(sources.tools[tool] for tool in tools)] for name in group}
    if not with_shared:
        names = {name for name in names if _is_own(name, program)}
    contents = _renamed(sources, names, {f"{TEMPLATE_MODULE}/": f"{runtime}/", TEMPLATE_MODULE: module})
    contents[_GO_MOD] += f"\nrequire {runtime} v0.0.0\n\nreplace {runtime} => ./\n".encode()
    _write(directory, contents)


def _shared_names(sources: Sources, program: str, apis: Sequence[str]) -> set[str]:
    """Return the files of a program that all agents with these APIs share, whatever their tools."""
    groups = [sources.runtime, sources.targets[program], *(sources.apis[api] for api in apis)]
    names = {name for group in [*groups, *sources.tools.values()] for name in group}
    return {name for name in names if not _is_own(name, program)}


def _is_own(name: str, program: str) -> bool:
    """Return whether a file is of a package that only this agent has."""
    return "/" not in name or name.startswith(f"{program}/")


def _renamed(sources: Sources, names: Iterable[str], paths: Mapping[str, str]) -> dict[str, bytes]:
    """Return the contents of files with these paths of packages replaced, the first ones first."""
    contents = {name: sources.files[name] for name in names}
    for template, actual in paths.items():
        contents = {
            name: content.replace(template.encode(), actual.encode()) for name, content in contents.items()
        }
    return contents


def _write(directory: Path, contents: Mapping[str, bytes]) -> None:
    newer = time.time() + _NEWER_SECONDS
    for name, content in contents.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (newer, newer))
