"""The registry of targets, and which of them can be built on this machine."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from builds.errors import BuildError, ToolchainMissing
from builds.models import PLUGIN

from . import toolchain

PLUGIN_KIND, EXECUTABLE_KIND, FUNCTION_KIND = "plugin", "executable", "function"
# The directory of each kind's main package, also its key in files.json.
_PROGRAMS = {PLUGIN_KIND: "plugin", EXECUTABLE_KIND: "standalone", FUNCTION_KIND: "function"}
FUNCTION = "function"
PLUGIN_ARM64 = "plugin-linux-arm64"
_SYSTEMS = (("linux", "Linux"), ("darwin", "macOS"), ("windows", "Windows"))
_PROCESSORS = (("amd64", "x86-64"), ("arm64", "ARM64"))


@dataclass(frozen=True)
class Target:
    """One kind of program for one system; `name` identifies it in rows, commands and directories."""

    name: str
    kind: str
    goos: str
    goarch: str
    label: str
    purpose: str
    megabytes: int

    @property
    def section(self) -> str:
        """Return the name of its section in a build's log."""
        return f"{self.kind} {self.goos}/{self.goarch}"

    @property
    def program(self) -> str:
        """Return the directory of its main package."""
        return _PROGRAMS[self.kind]

    @property
    def cgo(self) -> bool:
        """Return whether a C compiler links it: plugins are shared objects, the rest is pure Go."""
        return self.kind == PLUGIN_KIND

    @property
    def build_mode(self) -> str:
        """Return what Go makes of its main package."""
        return "plugin" if self.kind == PLUGIN_KIND else "default"

    @property
    def is_native(self) -> bool:
        """Return whether it runs on this machine."""
        return (self.goos, self.goarch) == toolchain.machine()


@functools.cache
def registry() -> dict[str, Target]:
    """Return all targets by name, in display order."""
    goos, goarch = toolchain.machine()
    all_targets = [
        Target(PLUGIN, PLUGIN_KIND, goos, goarch, "Plugin and host",
               "what Try talks to; a Linux machine like this one runs it", 22),
        Target(PLUGIN_ARM64, PLUGIN_KIND, "linux", "arm64", "Plugin and host, Linux ARM64",
               "Linux on ARM64, with glibc 2.17 or newer", 21),
        *(
            Target(f"{system}-{processor}", EXECUTABLE_KIND, system, processor,
                   f"Executable, {system_label} {processor_label}", "one self-contained file", 7)
            for system, system_label in _SYSTEMS
            for processor, processor_label in _PROCESSORS
        ),
        Target(FUNCTION, FUNCTION_KIND, "linux", "amd64", "Netlify function",
               "answers on a Netlify site; nothing to keep running", 7),
    ]  # fmt: skip
    return {target.name: target for target in all_targets}


def get(name: str) -> Target:
    """Raises BuildError for an unknown name."""
    try:
        return registry()[name]
    except KeyError:
        raise BuildError(f"There is no target {name}. Available: {', '.join(registry())}.") from None


def refusal(target: Target) -> str:
    """Return why a target can't be built on this machine; empty if it can."""
    try:
        toolchain_for(target)
    except ToolchainMissing as error:
        return str(error)
    return ""


def toolchain_for(target: Target) -> toolchain.Toolchain:
    """Return the toolchain of a target.

    Raises ToolchainMissing, with the remedy, if a compiler is missing.
    """
    if target.name == PLUGIN_ARM64 and target.is_native:
        raise ToolchainMissing("On this machine that is the same as the target plugin.")
    return toolchain.find(target.goos, target.goarch, cgo=target.cgo)


def in_order(names: Iterable[str]) -> list[str]:
    """Return the names without duplicates, in the registry's order.

    Raises BuildError for an unknown name.
    """
    wanted = {get(name).name for name in names}
    return [name for name in registry() if name in wanted]
