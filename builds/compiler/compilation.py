"""Compile one revision for one target and check the result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from builds.errors import BuildError, Exhausted
from builds.logs.build_log import BuildLog

from . import build_plan, knowledge, output_check, processors, runtime_packages, sources, warmup
from .build_plan import Plan, Program
from .go_command import go_build, has_isolated_cache, line_of, log_command
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
    meanwhile: Callable[[Compiled], object] = lambda compiled: None,
) -> Compiled:
    """Compile in the empty directory `work`, check the result and stream the output to the log.

    `texts` are those of the agent's files. It may take `seconds` once the cache is warm and a processor free.
    While the result is checked, `meanwhile` runs in a thread.
    Raises BuildError with the compiler's message or the failed check, TooSlow.
    """
    # Before the processor is taken: others that compile meanwhile must be able to end.
    await warmup.ensure(inputs.toolchain, inputs.sources, log, inputs.spec.program)
    await knowledge.prepare(inputs.document, inputs.sources, log)
    async with processors.one(log):
        try:
            async with asyncio.timeout(seconds) as limit:
                compiled = await _compile(inputs, work, log, texts)
                await _check(inputs, compiled, work, log, meanwhile)
                return compiled
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise TooSlow(f"took longer than {seconds:g} s") from error


async def _compile(inputs: Inputs, work: Path, log: BuildLog, texts: knowledge.Texts) -> Compiled:
    target = inputs.spec
    lay_out, build, *_ = step_names(target)
    tree = work / "src"
    plan = runtime_packages.plan_of(inputs)
    with log.step(lay_out):
        tree.mkdir()
        # A plan finds the shared packages compiled.
        _lay_out(inputs, tree, with_shared=plan is None)
        await knowledge.write_index(inputs.document, texts, tree, inputs.sources, log)
        log.info(f"{inputs.module}, tools: {', '.join(sources.chosen_tools(inputs.document)) or 'none'}")
    program = work / "agent"
    with log.step(build):
        await _build(inputs, plan, Program(inputs.module, tree, program), work, log)
    host = None
    if target.kind == PLUGIN_KIND:
        with log.step("Compile the host"):
            host = await HOST.get_or_compile(inputs.toolchain, inputs.sources, work, log)
    return Compiled(program, host)


async def _check(
    inputs: Inputs, compiled: Compiled, work: Path, log: BuildLog, meanwhile: Callable[[Compiled], object]
) -> None:
    *_, check, _ = step_names(inputs.spec)
    preparation = asyncio.create_task(asyncio.to_thread(meanwhile, compiled))
    try:
        with log.step(check):
            await output_check.check(inputs, compiled, work, log)
    finally:
        # It reads what is removed afterwards.
        await asyncio.gather(preparation, return_exceptions=True)
    preparation.result()


def _lay_out(inputs: Inputs, tree: Path, *, with_shared: bool) -> None:
    program, module, document = inputs.spec.program, inputs.module, inputs.document
    sources.lay_out_agent(
        tree, inputs.sources, target=program, module=module, document=document, with_shared=with_shared
    )


async def _build(inputs: Inputs, plan: Plan | None, program: Program, work: Path, log: BuildLog) -> None:
    """Compile and link by a plan or, where that is not possible, by `go build`; both give the same bytes."""
    chain, target = inputs.toolchain, inputs.spec
    package, mode = f"./{target.program}", target.build_mode
    if plan is not None:
        command = chain.build_command(package=package, output=program.output, mode=mode)
        log_command(command, work, log)
        if await _build_by_plan(plan, inputs, program, work, log):
            return
        _lay_out(inputs, program.tree, with_shared=True)
    elif chain.cgo and not has_isolated_cache():
        log.info("Go plans the steps of this build: no plan of them is proven at the moment.")
    await go_build(chain, package, program.output, mode, program.tree, work, log)


async def _build_by_plan(plan: Plan, inputs: Inputs, program: Program, work: Path, log: BuildLog) -> bool:
    """Take the steps of a plan; return False, and log why, if they fail."""
    log.info("Its steps are known, so they are taken directly: compile, link.")
    try:
        await build_plan.run(inputs.toolchain, plan, program, work, line_of(log))
    except BuildError as error:
        # At a limit of the machine, of time or of output, `go build` would end as well.
        if isinstance(error, Exhausted) or (error.exit_code or 0) < 0:
            raise
        log.info(f"The steps failed, so Go plans them anew: {str(error).splitlines()[0]}")
        program.output.unlink(missing_ok=True)
        return False
    return True
