"""A worker whose compilations wait for AGENTFORGE_BENCH_SECONDS and use no processor time.

Everything else is real: it claims, logs, stores, signs and finishes.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import django

django.setup()

from django.core.management import execute_from_command_line  # noqa: E402 - needs Django

from builds.compiler import compilation, warmup  # noqa: E402
from builds.compiler.inputs import Compiled, Inputs  # noqa: E402
from builds.compiler.knowledge import NO_TEXTS, Texts  # noqa: E402
from builds.compiler.sources import Sources  # noqa: E402
from builds.compiler.toolchain import Toolchain  # noqa: E402
from builds.logs.build_log import BuildLog  # noqa: E402

SECONDS = float(os.environ["AGENTFORGE_BENCH_SECONDS"])


async def wait(
    inputs: Inputs,
    work: Path,
    log: BuildLog,
    texts: Texts = NO_TEXTS,
    *,
    seconds: float | None = None,
    meanwhile: Callable[[Compiled], object] = lambda compiled: None,
) -> Compiled:
    await asyncio.sleep(SECONDS)
    program = work / "agent"
    program.write_text(inputs.digest)
    compiled = Compiled(program)
    await asyncio.to_thread(meanwhile, compiled)
    return compiled


async def be_warm(toolchain: Toolchain, agent: Sources, log: BuildLog, program: str = "plugin") -> None:
    """Do nothing: simulated compilations need no warm cache."""


compilation.compile_agent = wait
warmup.ensure = be_warm
execute_from_command_line(["manage.py", "procrastinate", "worker", *sys.argv[1:]])
