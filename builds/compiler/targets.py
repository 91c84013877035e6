"""Register what an agent can be made into, and say which of it can be made here."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from builds.errors import BuildError, ToolchainMissing
from builds.models import PLUGIN

from . import toolchain

PLUGIN_KIND, EXECUTABLE_KIND, FUNCTION_KIND = "plugin", "executable", "function"
# The directory of each kind's main package, which is also its list of files in files.json.
_PROGRAMS = {PLUGIN_KIND: "plugin", EXECUTABLE_KIND: "standalone", FUNCTION_KIND: "function"}
FUNCTION = "function"
PLUGIN_ARM64 = "plugin-linux-arm64"
_SYSTEMS = (("linux", "Linux"), ("darwin", "macOS"), ("windows", "Windows"))
_PROCESSORS = (("amd64", "x86-64"), ("arm64", "ARM64"))


@dataclass(frozen=True)
class Target:
    """Name one kind of program for one system; `name` is what rows, commands and directories use."""

    name: str
    kind: str
    goos: str
    goarch: str
    label: str
    purpose: str
    megabytes: int

    @property
    def section(self) -> str:
        """Return the name of its part of a build's log."""
        return f"{self.kind} {self.goos}/{self.goarch}"

    @property
    def program(self) -> str:
        """Return the directory of its main package."""
        return _PROGRAMS[self.kind]

    @property
    def cgo(self) -> bool:
        """Tell whether a C compiler links it: plugins are shared objects, all else is plain Go."""
        return self.kind == PLUGIN_KIND

    @property
    def is_native(self) -> bool:
        """Tell whether it runs on this machine."""
        return (self.goos, self.goarch) == toolchain.machine()


@functools.cache
def registry() -> dict[str, Target]:
    """Return all targets by name, in the order in which they are offered and listed."""
    goos, goarch = toolchain.machine()
    found = [
        Target(PLUGIN, PLUGIN_KIND, goos, goarch, "Plugin and host",
               "what Try talks to; a Linux machine like this one runs it", 22),
        Target(PLUGIN_ARM64, PLUGIN_KIND, "linux", "arm64", "Plugin and host, Linux ARM64",
               "Linux on ARM64, with glibc 2.17 or newer", 21),
        *(
            Target(f"{system}-{processor}", EXECUTABLE_KIND, system, processor,
                   f"Executable, {system_label} {processor_label}", "one file that runs by itself", 7)
            for system, system_label in _SYSTEMS
            for processor, processor_label in _PROCESSORS
        ),
        Target(FUNCTION, FUNCTION_KIND, "linux", "amd64", "Netlify function",
               "answers on a Netlify site; nothing to keep running", 7),
    ]  # fmt: skip
    return {target.name: target for target in found}


def get(name: str) -> Target:
    """Return a target by its name.

    Raises BuildError for a name that the registry does not have.
    """
    try:
        return registry()[name]
    except KeyError:
        raise BuildError(f"There is no target {name}; there are {', '.join(registry())}.") from None


def refusal(target: Target) -> str:
    """Say why a target can't be built on this machine; empty when it can."""
    try:
        toolchain_for(target)
    except ToolchainMissing as missing:
        return str(missing)
    return ""


def toolchain_for(target: Target) -> toolchain.Toolchain:
    """Return the compilers of a target.

    Raises ToolchainMissing, with the remedy, where one is absent.
    """
    if target.name == PLUGIN_ARM64 and target.is_native:
        raise ToolchainMissing("The plugin of this machine is that already.")
    return toolchain.find(target.goos, target.goarch, cgo=target.cgo)


def in_order(names: Iterable[str]) -> list[str]:
    """Return each of these names once, in the registry's order.

    Raises BuildError for a name that the registry does not have.
    """
    wanted = {get(name).name for name in names}
    return [name for name in registry() if name in wanted]
