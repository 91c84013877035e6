"""Make one target of a build: find its files in the cache, or compile and store them."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import uuid
from pathlib import Path

from agentforge.live.log import StreamClosed, StreamMissing
from agentforge.redaction import Redactor
from agentforge.tenancy.connections import give_back

from . import compiler, package, reuse, sandbox, slots, targets, transitions
from .artifacts import storing
from .buildlog import BuildLog
from .database import in_thread
from .errors import BuildError
from .gocommand import work_directory
from .inputs import STORE, Compiled, Inputs, gather
from .models import BuildStatus
from .transitions import Claim, Outcome, Stored

logger = logging.getLogger(__name__)


async def run(claim: Claim, name: str, outcome: Outcome, log: BuildLog, redact: Redactor) -> None:
    """Make one target and write down how it ended; what is known is in `outcome`, also when cancelled."""
    async with slots.compiler_slot():
        if not await in_thread(transitions.start_target, claim, name):
            return
        await _attempt(claim, name, outcome, log, redact)
    await in_thread(transitions.finish_target, claim, name, outcome)


async def _attempt(claim: Claim, name: str, outcome: Outcome, log: BuildLog, redact: Redactor) -> None:
    try:
        with log.section(targets.get(name).section) as part:
            outcome.facts["steps"] = part.steps
            await _make_telling(claim, name, outcome, part)
        outcome.status = BuildStatus.SUCCEEDED
    except BuildError as error:
        outcome.facts |= {"error": redact(str(error)), "exit_code": error.exit_code}


async def _make_telling(claim: Claim, name: str, outcome: Outcome, log: BuildLog) -> None:
    """Make the target; a failure's reason is the last line of its section.

    Raises BuildError, also in place of whatever else went wrong inside the forge.
    """
    try:
        await _make(claim, name, outcome, log)
    except BuildError as error:
        log.say(f"Failed: {str(error).splitlines()[0]}")
        raise
    except (StreamMissing, StreamClosed):
        raise
    except Exception as error:
        incident = uuid.uuid4().hex[:8]
        logger.exception("Build %s failed inside the forge, incident %s", claim.build_id, incident)
        told = f"The forge itself failed (incident {incident}). Nothing was stored. Try again."
        log.say(told)
        raise BuildError(told) from error


async def _make(claim: Claim, name: str, outcome: Outcome, log: BuildLog) -> None:
    level = await asyncio.to_thread(sandbox.level)
    inputs = await asyncio.to_thread(gather, claim.document, name)
    described = inputs.toolchain.describe()
    outcome.facts |= {"input_digest": inputs.digest, "toolchain": described, "sandbox": level}
    if found := await in_thread(reuse.find, inputs.digest):
        log.say("The same agent was already built with these sources and this toolchain; its files are used.")
        log.state = "cached"
        outcome.artifacts = found
        outcome.facts |= {"from_cache": True, "exit_code": 0}
        return
    log.say(f"{inputs.toolchain.label}. Sandbox: {sandbox.LEVEL_LABELS[level]}.")
    with tempfile.TemporaryDirectory(dir=work_directory(), ignore_cleanup_errors=True) as directory:
        compiled = await compiler.compile_agent(inputs, Path(directory), log)
        with log.step(STORE):
            outcome.artifacts = await asyncio.to_thread(_store, inputs, compiled, log)
    outcome.facts["exit_code"] = 0
    log.say(f"Stored {len(outcome.artifacts)} files, every hash checked.")


def _store(inputs: Inputs, compiled: Compiled, log: BuildLog) -> list[Stored]:
    files = package.assemble(inputs, compiled)
    try:
        storing.store(files, log.upload)
    finally:
        give_back()
    return [Stored(file.name, file.sha256, len(file.data)) for file in files]
