"""Compile one revision for one target and check the result."""

from __future__ import annotations

import asyncio
from pathlib import Path

from builds.errors import BuildError
from builds.logs.build_log import BuildLog

from . import knowledge, output_check, processors, sources, warmup
from .go_command import go_build
from .inputs import Compiled, Inputs, step_names
from .shared_program import HOST
from .targets import PLUGIN_KIND


class TooSlow(BuildError):
    """A compilation took longer than it may."""


async def compile_agent(
    inputs: Inputs,
    work: Path,
    log: BuildLog,
    texts: knowledge.Texts = knowledge.NO_TEXTS,
    *,
    seconds: float | None = None,
) -> Compiled:
    """Compile in the empty directory `work`, check the result and stream the output to the log.

    `texts` are those of the agent's files. It may take `seconds` once the cache is warm and a processor free.
    Raises BuildError with the compiler's message or the failed check, TooSlow.
    """
    # Before the processor is taken: others that compile meanwhile must be able to end.
    await warmup.ensure(inputs.toolchain, inputs.sources, log, inputs.spec.program)
    await knowledge.prepare(inputs.document, inputs.sources, log)
    async with processors.one(log):
        try:
            async with asyncio.timeout(seconds) as limit:
                return await _compile(inputs, work, log, texts)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise TooSlow(f"took longer than {seconds:g} s") from error


async def _compile(inputs: Inputs, work: Path, log: BuildLog, texts: knowledge.Texts) -> Compiled:
    target = inputs.spec
    lay_out, build, *_, check, _ = step_names(target)
    tree = work / "src"
    with log.step(lay_out):
        tree.mkdir()
        sources.lay_out_agent(
            tree, inputs.sources, target=target.program, module=inputs.module, document=inputs.document
        )
        await knowledge.write_index(inputs.document, texts, tree, inputs.sources, log)
        log.info(f"{inputs.module}, tools: {', '.join(sources.chosen_tools(inputs.document)) or 'none'}")
    program = work / "agent"
    with log.step(build):
        mode = "plugin" if target.kind == PLUGIN_KIND else "default"
        await go_build(inputs.toolchain, f"./{target.program}", program, mode, tree, work, log)
    host = None
    if target.kind == PLUGIN_KIND:
        with log.step("Compile the host"):
            host = await HOST.get_or_compile(inputs.toolchain, inputs.sources, work, log)
    compiled = Compiled(program, host)
    with log.step(check):
        await output_check.check(inputs, compiled, work, log)
    return compiled
