"""The packages that agents with the same APIs share: compiled once, into Go's cache.

What is compiled there holds nothing of an agent. Builds, which do, find the packages in their read-only
cache, and take the steps of `go build` by a plan where one was proven.
"""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import replace

from builds.errors import BuildError
from builds.logs.build_log import BuildLog

from . import build_plan, plan_proof, processors, resource_errors, sources, warmup
from .build_plan import Plan
from .go_command import COMPILE_LIMITS, has_isolated_cache, ignore_line, run_go
from .inputs import Inputs
from .warmup import FAILED, RUNTIME, WARM, WARMING, State
from .workspace import temporary_workspace

logger = logging.getLogger(__name__)
# Seconds after which whoever began was killed: more than a compilation may take.
_ABANDONED_AFTER = 600


async def keep(inputs: Inputs) -> None:
    """Compile the packages that an agent shares with others, and every tool, unless the cache has them.

    Belongs after a build, which compiled its own: nobody waits for it. A failure is logged.
    """
    apis = sources.chosen_apis(inputs.document)
    key = _key(inputs, apis)
    try:
        with resource_errors.disk_errors():
            if _is_missing(key):
                async with processors.one(BuildLog(lambda record: None)):
                    await _compile_once(inputs, apis, key)
    except BuildError as error:
        logger.warning("The packages that agents share could not be compiled in advance: %s", error)


def plan_of(inputs: Inputs) -> Plan | None:
    """Return the plan for an agent's build, if one was proven and what it needs is still cached."""
    if has_isolated_cache():
        return None
    key = _key(inputs, sources.chosen_apis(inputs.document))
    state = warmup.state(key)
    return build_plan.find(key) if state.state == WARM and state.settled else None


def _is_missing(key: str) -> bool:
    """Return whether nobody compiled these packages, nor is about to."""
    state = warmup.state(key)
    under_way = state.state == WARMING and time.time() - state.at < _ABANDONED_AFTER
    return not (state.settled or under_way)


async def _compile_once(inputs: Inputs, apis: list[str], key: str) -> None:
    # Another build may have begun while this one waited for a processor.
    if not _is_missing(key):
        return
    state = State(WARMING, key, program=RUNTIME)
    warmup.write(state)
    try:
        await _prepare(inputs, apis, key)
    except BuildError as error:
        warmup.write(replace(state, state=FAILED, error=str(error)))
        raise
    warmup.write(replace(state, state=WARM))


async def _prepare(inputs: Inputs, apis: list[str], key: str) -> None:
    await _compile(inputs, apis)
    if inputs.toolchain.cgo:
        await _make_plan(inputs, apis, key)


async def _compile(inputs: Inputs, apis: list[str]) -> None:
    chain, target = inputs.toolchain, inputs.spec
    with temporary_workspace("runtime") as home:
        tree = home / "src"
        tree.mkdir()
        sources.lay_out_neutral(tree, inputs.sources, target=target.program, apis=apis)
        command = chain.list_command(package=f"./{target.program}", mode=target.build_mode)
        limits = COMPILE_LIMITS[chain.cc_kind]
        await run_go(chain, command, tree, home, ignore_line, limits=limits, may_write_cache=True)


async def _make_plan(inputs: Inputs, apis: list[str], key: str) -> None:
    """Keep a proven plan; without one, `go build` goes on to compile."""
    build_plan.discard(key)
    try:
        plan = await plan_proof.proven_plan(inputs, apis)
    except BuildError as error:
        logger.warning("go build compiles %s, since its steps have no proven plan: %s", inputs.target, error)
    else:
        build_plan.keep(key, plan)


def _key(inputs: Inputs, apis: list[str]) -> str:
    chosen = hashlib.sha256("\0".join([build_plan.FORMAT, *apis]).encode()).hexdigest()
    return f"{warmup.cache_key(inputs.toolchain, inputs.sources, inputs.spec.program)}-{chosen[:16]}"
