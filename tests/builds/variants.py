"""Make copies of the agent's sources that are broken or slow to compile."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from django.conf import settings

from builds import sources, toolchain, warmup


def copy_of_the_sources(target: Path) -> Path:
    """Copy the agent's Go sources, tests left out."""
    shutil.copytree(
        settings.BASE_DIR / "builds" / "golang", target, ignore=shutil.ignore_patterns("*_test.go")
    )
    return target


def count_as_warm() -> None:
    """Let Go's cache count as warm for the sources of the settings, so that a build begins at once."""
    key = warmup.key_of(toolchain.find(), sources.read())
    warmup.write(warmup.State(warmup.WARM, key))


def slow_sources(target: Path) -> Path:
    """Make sources that take the compiler much longer than any test needs."""
    copy = copy_of_the_sources(target)
    body = "append(m[0], func() any { return m })"
    functions = "".join(f"func slow{i}(m map[int][]any) {{ m[{i}] = {body} }}\n" for i in range(60_000))
    listed = json.loads((copy / sources.LIST).read_text())
    listed["runtime"].append("slow.go")
    (copy / sources.LIST).write_text(json.dumps(listed))
    (copy / "slow.go").write_text(f"package bundle\n\n{functions}")
    return copy
