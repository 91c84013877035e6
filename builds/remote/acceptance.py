"""Check the files of a remote builder as far as this machine can."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from builds.artifacts import storage
from builds.compiler import output_check, targets
from builds.compiler.inputs import Compiled, Inputs
from builds.compiler.shared_program import HOST
from builds.errors import BuildError, ToolchainMissing
from builds.logs.build_log import BuildLog


async def check(inputs: Inputs, compiled: Compiled, work: Path, log: BuildLog) -> None:
    """Check files that a builder compiled of these inputs, and log the extent of the check.

    Raises BuildError when they are not the requested agent.
    """
    try:
        toolchain = await asyncio.to_thread(targets.toolchain_for, inputs.spec)
    except ToolchainMissing:
        await _check_without_go(inputs, compiled, work, log)
        return
    if toolchain.digest != inputs.toolchain.digest:
        raise BuildError("it was compiled by another toolchain than it was asked for")
    inputs = replace(inputs, toolchain=toolchain)
    if compiled.host and (own := await asyncio.to_thread(HOST.find, toolchain, inputs.sources)):
        if storage.hash_file(own) != storage.hash_file(compiled.host):
            raise BuildError("its host is not the one that this forge compiled of the same sources")
        compiled = Compiled(compiled.program, own)
    await output_check.check(inputs, compiled, work, log)


async def _check_without_go(inputs: Inputs, compiled: Compiled, work: Path, log: BuildLog) -> None:
    if inputs.spec.is_native:
        await output_check.check(inputs, compiled, work, log)
    elif inputs.document.encode() not in compiled.program.read_bytes():
        raise BuildError("it does not hold the agent's configuration")
    else:
        log.info("It is not for this machine, and there is no Go here to look into it: the builder did.")
