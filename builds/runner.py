"""Run one build in a worker: claim it, compile or find it in the cache, store it, say how it ended."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from agentforge.live import streams
from agentforge.live.log import StreamClosed, StreamMissing
from agentforge.live.writer import StreamWriter

from . import compiler, package, reuse, sandbox, storage, transitions
from .buildlog import BuildLog, redactor
from .database import in_thread
from .errors import BuildError
from .gocommand import work_directory
from .models import BuildStatus
from .secrets import secret_values
from .transitions import Claim, Stored

logger = logging.getLogger(__name__)


@dataclass
class Outcome:
    """Gather what is known of a build when it ends."""

    status: BuildStatus = BuildStatus.FAILED
    artifacts: list[Stored] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)


async def run_build(build_id: int, job_id: int, *, is_shutdown: Callable[[], bool]) -> None:
    """Run a build to its end, if this job may.

    Cancelled, it first kills the compiler; then the build is cancelled, or handed over if the worker stops.
    """
    claim = await in_thread(transitions.claim, build_id, job_id)
    if claim is None:
        return
    outcome = Outcome()
    try:
        await _attempt(claim, outcome)
    except asyncio.CancelledError:
        await asyncio.shield(_stop(claim, outcome, handing_over=is_shutdown()))
        raise
    except (StreamMissing, StreamClosed):
        logger.info("Build %s was deleted while it ran.", build_id)
        return
    await in_thread(
        transitions.finish, build_id, job_id, outcome.status, artifacts=outcome.artifacts, facts=outcome.facts
    )


async def _stop(claim: Claim, outcome: Outcome, *, handing_over: bool) -> None:
    if handing_over:
        why = "The worker was stopped; the build starts again on the next one"
        await in_thread(transitions.requeue, claim.build_id, claim.job_id, why=why, attempt_counts=False)
    else:
        cancelled = BuildStatus.CANCELLED
        await in_thread(transitions.finish, claim.build_id, claim.job_id, cancelled, facts=outcome.facts)


async def _attempt(claim: Claim, outcome: Outcome) -> None:
    """Do the work of a build; what is known is in `outcome`, also when this is cancelled."""
    if await in_thread(_reuse, claim, outcome):
        return
    redact = redactor(await in_thread(secret_values, claim.owner_id))
    writer = StreamWriter(claim.stream)
    log = BuildLog(writer.write, redact)
    outcome.facts["steps"] = log.steps
    try:
        await _build(claim, outcome, log)
        outcome.status = BuildStatus.SUCCEEDED
    except BuildError as error:
        message = redact(str(error))
        outcome.facts |= {"error": message, "exit_code": error.exit_code}
        log.say(f"Failed: {message.splitlines()[0]}")
    except (StreamMissing, StreamClosed):
        raise
    except Exception:
        incident = uuid.uuid4().hex[:8]
        logger.exception("Build %s failed inside the forge, incident %s", claim.build_id, incident)
        told = f"The forge itself failed (incident {incident}). Nothing was stored. Try again."
        outcome.facts["error"] = told
        log.say(told)
    finally:
        await asyncio.shield(asyncio.to_thread(writer.close))


def _reuse(claim: Claim, outcome: Outcome) -> bool:
    """Take the files of an earlier build of the same inputs, if there is one."""
    try:
        inputs = compiler.gather(claim.document, claim.target)
    except BuildError:
        # The build itself says why nothing can be built.
        return False
    found = reuse.find(inputs.digest)
    if not found:
        return False
    told = "The same agent was already built with these sources and this toolchain; its files are used."
    streams.publish(claim.stream, {"kind": "line", "stream": "sys", "text": told})
    outcome.status = BuildStatus.SUCCEEDED
    outcome.artifacts = found
    outcome.facts |= {**_described(inputs, sandbox.level()), "from_cache": True, "exit_code": 0}
    return True


def _described(inputs: compiler.Inputs, level: str) -> dict[str, object]:
    described = inputs.toolchain.describe()
    return {"input_digest": inputs.digest, "toolchain": described, "sandbox": level}


async def _build(claim: Claim, outcome: Outcome, log: BuildLog) -> None:
    level = await asyncio.to_thread(sandbox.level)
    inputs = await asyncio.to_thread(compiler.gather, claim.document, claim.target)
    outcome.facts |= _described(inputs, level)
    log.say(f"{inputs.toolchain.go}, {inputs.toolchain.cc_version}. Sandbox: {sandbox.LEVEL_LABELS[level]}.")
    with tempfile.TemporaryDirectory(dir=work_directory(), ignore_cleanup_errors=True) as name:
        compiled = await compiler.compile_agent(inputs, Path(name), log)
        with log.step(compiler.STORE):
            outcome.artifacts = await asyncio.to_thread(_store, inputs, compiled)
    outcome.facts["exit_code"] = 0
    log.say(f"Stored {len(outcome.artifacts)} files, every hash checked.")


def _store(inputs: compiler.Inputs, compiled: compiler.Compiled) -> list[Stored]:
    files = package.assemble(inputs, compiled)
    for file in files:
        storage.put(file.data, file.sha256)
    return [Stored(file.name, file.sha256, len(file.data)) for file in files]
