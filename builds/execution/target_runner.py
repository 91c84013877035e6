"""Make one target of a build: find its files in the cache, join who makes them already, or compile them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

from agentforge.incidents import record_incident
from agentforge.live.log import StreamClosed, StreamMissing
from agentforge.redaction import Redactor
from agentforge.tenancy.connections import connection_lease
from agentforge.tenancy.threads import in_thread_with_retry
from builds.artifacts import build_files
from builds.compiler import cpu_slots, resource_errors, sandbox, targets
from builds.compiler.cpu_slots import Slot
from builds.compiler.inputs import STORE, Compiled, Inputs
from builds.compiler.workspace import workplace
from builds.errors import BuildError
from builds.logs.build_log import BuildLog
from builds.models import BuildStatus
from builds.package import assembly
from builds.remote import choice
from builds.remote.build import CancelUnconfirmed

from . import cache, single_flight, transitions
from .making import Making
from .transitions import Claim, Outcome, Stored

logger = logging.getLogger(__name__)


async def run(
    claim: Claim,
    name: str,
    outcome: Outcome,
    log: BuildLog,
    redact: Redactor,
    *,
    is_shutdown: Callable[[], bool],
) -> None:
    """Make one target and write down how it ended; what is known is in `outcome`, also when cancelled."""
    candidates = await in_thread_with_retry(choice.candidates, claim.build_id, name)
    is_here = candidates[0].builder is None
    async with cpu_slots.slot(taken_at_once=is_here) as slot, AsyncExitStack() as held:
        if not await in_thread_with_retry(transitions.start_target, claim, name):
            return
        making = _Making(
            claim, name, outcome, slot, held, Making(claim, name, outcome, candidates, is_shutdown, slot)
        )
        try:
            with log.section(targets.get(name).section) as part:
                outcome.facts["steps"] = part.steps
                await making.run(part)
            outcome.status = BuildStatus.SUCCEEDED
        except BuildError as error:
            outcome.cancel_unconfirmed = isinstance(error, CancelUnconfirmed)
            outcome.facts |= {"error": redact(str(error)), "exit_code": error.exit_code}
        # Whoever waits for this work looks for its files when `held` is let go.
        await in_thread_with_retry(transitions.finish_target, claim, name, outcome)


class _Making:
    def __init__(
        self,
        claim: Claim,
        name: str,
        outcome: Outcome,
        slot: Slot,
        held: AsyncExitStack,
        making: Making,
    ) -> None:
        self.claim = claim
        self.name = name
        self.outcome = outcome
        self.slot = slot
        self.held = held
        self.making = making

    async def run(self, log: BuildLog) -> None:
        """Make the target; a failure's reason is the last line of its section.

        Raises BuildError, also in place of whatever else went wrong inside the forge.
        """
        try:
            with resource_errors.told():
                await self._make(log)
        except BuildError as error:
            log.say(f"Failed: {str(error).splitlines()[0]}")
            raise
        except (StreamMissing, StreamClosed):
            raise
        except Exception as error:
            incident = record_incident(f"Build {self.claim.build_id}")
            told = f"The forge itself failed (incident {incident}). Nothing was stored. Try again."
            log.say(told)
            raise BuildError(told) from error

    async def _make(self, log: BuildLog) -> None:
        inputs = await asyncio.to_thread(self.making.gather)
        if inputs is not None:
            self.outcome.facts |= {**_described(inputs), "sandbox": await asyncio.to_thread(sandbox.level)}
            if await self._reuse(inputs, log):
                return
            alone = single_flight.alone(inputs.digest, partial(self._wait, inputs, log))
            await self.held.enter_async_context(alone)
            # It may have been made since, by whoever held the work.
            if await self._reuse(inputs, log):
                return
            await in_thread_with_retry(
                transitions.note_target, self.claim, self.name, input_digest=inputs.digest
            )
        await self._compile(inputs, log)

    async def _reuse(self, inputs: Inputs, log: BuildLog) -> bool:
        if self.making.is_asked:
            # Who asks for a builder wants it built there.
            return False
        found = await in_thread_with_retry(cache.find, inputs.digest)
        if not found:
            return False
        log.say("The same agent was already built with these sources and this toolchain; its files are used.")
        log.state = "cached"
        self.outcome.artifacts = await asyncio.to_thread(_signed, inputs, found, log)
        self.outcome.facts |= {"from_cache": True, "exit_code": 0}
        return True

    async def _wait(self, inputs: Inputs, log: BuildLog) -> None:
        self.slot.give_back()
        number = await in_thread_with_retry(cache.maker, inputs.digest, self.claim.owner_id)
        who = f"Build {number}" if number else "Another build"
        log.say(f"{who} is compiling the same at this moment; its files will be used.")

    async def _compile(self, inputs: Inputs | None, log: BuildLog) -> None:
        with workplace() as work:
            made, compiled = await self.making.make(inputs, log, work)
            self.outcome.facts |= _described(made)
            with log.step(STORE):
                self.outcome.artifacts = await asyncio.to_thread(_store, made, compiled, log)
        self.outcome.facts["exit_code"] = 0
        log.say(f"Stored {len(self.outcome.artifacts)} files, every hash checked.")


def _described(inputs: Inputs) -> dict[str, object]:
    return {"input_digest": inputs.digest, "toolchain": inputs.toolchain.describe()}


def _store(inputs: Inputs, compiled: Compiled, log: BuildLog) -> list[Stored]:
    files = assembly.assemble(inputs, compiled)
    files += assembly.signatures(inputs, files)
    with connection_lease():
        build_files.store(files, log.upload)
    return [Stored(file.name, file.sha256, len(file.data)) for file in files]


def _signed(inputs: Inputs, found: list[Stored], log: BuildLog) -> list[Stored]:
    """Return files of the cache with signatures of the present key: it may be another one than then."""
    files = assembly.signatures(inputs, found)
    signed = [Stored(file.name, file.sha256, len(file.data)) for file in files]
    if not set(signed) <= set(found):
        with connection_lease():
            build_files.store(files, log.upload)
    return [*(each for each in found if each.name not in assembly.SIGNATURES), *signed]
