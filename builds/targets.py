"""Register what an agent can be made into, and say which of it can be made here."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from . import toolchain
from .errors import BuildError, ToolchainMissing
from .models import PLUGIN

PLUGIN_KIND, EXECUTABLE_KIND, FUNCTION_KIND = "plugin", "executable", "function"


@dataclass(frozen=True)
class Target:
    """Name one kind of program for one system; `name` is what rows, commands and directories use."""

    name: str
    kind: str
    goos: str
    goarch: str
    label: str
    purpose: str

    @property
    def section(self) -> str:
        """Return the name of its part of a build's log."""
        return f"{self.kind} {self.goos}/{self.goarch}"

    @property
    def cgo(self) -> bool:
        """Tell whether a C compiler links it: plugins are shared objects, all else is plain Go."""
        return self.kind == PLUGIN_KIND


@functools.cache
def registry() -> dict[str, Target]:
    """Return all targets by name, in the order in which they are offered and listed."""
    goos, goarch = toolchain.machine()
    found = [
        Target(PLUGIN, PLUGIN_KIND, goos, goarch, "Plugin and host", "runs on machines like this one"),
    ]
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
        chain_for(target)
    except ToolchainMissing as missing:
        return str(missing)
    return ""


def chain_for(target: Target) -> toolchain.Toolchain:
    """Return the compilers of a target.

    Raises ToolchainMissing, with the remedy, where one is absent.
    """
    return toolchain.find()


def in_order(names: Iterable[str]) -> list[str]:
    """Return each of these names once, in the registry's order.

    Raises BuildError for a name that the registry does not have.
    """
    wanted = {get(name).name for name in names}
    return [name for name in registry() if name in wanted]
