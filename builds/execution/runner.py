"""Run one build in a worker: claim it, build its targets concurrently, record the result."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from itertools import count

from agentforge.live.log import StreamClosed, StreamMissing
from agentforge.live.writer import StreamWriter
from agentforge.tenancy.threads import in_thread_with_retry
from builds.compiler import runtime_packages
from builds.compiler.inputs import Inputs
from builds.logs.build_log import BuildLog, redactor
from builds.models import BuildStatus
from configs.keys.vault import values_to_redact

from . import transitions
from .outcome import Outcome
from .target import TargetRun
from .transitions import Claim

logger = logging.getLogger(__name__)
# Seconds that log lines wait for an unavailable database.
DATABASE_PATIENCE = 600.0
# Seconds that the last target waits for them, to end its build in its own transaction.
FLUSH_PATIENCE = 10.0


async def run_build(build_id: int, job_id: int, *, is_shutdown: Callable[[], bool]) -> None:
    """Run a build to its end, if this job can claim it.

    On cancellation the compilers are killed first. Then the build is cancelled, or requeued if the worker is
    shutting down.
    """
    tries = count()
    claim = await in_thread_with_retry(lambda: transitions.claim(build_id, job_id, again=next(tries) > 0))
    if claim is None:
        return
    outcomes = {name: Outcome() for name in claim.targets}
    compiled: list[Inputs] = []
    try:
        ending = await _run_targets(claim, outcomes, compiled, is_shutdown)
        if ending is not None:
            await ending.conclude()
            # The build has ended; the next ones are faster.
            for inputs in compiled:
                await runtime_packages.keep(inputs)
    except asyncio.CancelledError:
        await asyncio.shield(_stop(claim, outcomes, requeue=is_shutdown()))
        raise


async def _stop(claim: Claim, outcomes: dict[str, Outcome], *, requeue: bool) -> None:
    if requeue:
        why = "The worker was stopped; the build starts again on the next one"
        await in_thread_with_retry(
            transitions.requeue, claim.build_id, claim.job_id, why=why, attempt_counts=False
        )
    else:
        unconfirmed = [outcome.facts.error for outcome in outcomes.values() if outcome.cancel_unconfirmed]
        status = BuildStatus.FAILED if unconfirmed else BuildStatus.CANCELLED
        await in_thread_with_retry(
            transitions.finish,
            claim.build_id,
            claim.job_id,
            status,
            error="".join(unconfirmed[:1]),
            outcomes=outcomes,
        )


async def _run_targets(
    claim: Claim, outcomes: dict[str, Outcome], compiled: list[Inputs], is_shutdown: Callable[[], bool]
) -> _Ending | None:
    """Build every unfinished target, and add the inputs of those that were compiled here to `compiled`.

    Returns None if the build was deleted meanwhile, or another job took it over.
    """
    finished: _Ending | None = None
    try:
        redact = redactor(await in_thread_with_retry(values_to_redact, claim.owner_id))
        writer = StreamWriter(claim.stream, epoch=claim.job_id)
        log = BuildLog(writer.write, redact, write_lines=writer.write_many)
        ending = _Ending(claim, log, writer)
        try:
            async with asyncio.TaskGroup() as tasks:
                for name, outcome in outcomes.items():
                    target = TargetRun(
                        claim, name, outcome, log, redact, is_shutdown, compiled, ending.finish_target
                    )
                    tasks.create_task(target.run())
        finally:
            log.close()
            await asyncio.shield(asyncio.to_thread(writer.close, DATABASE_PATIENCE))
        finished = ending
    except* (StreamMissing, StreamClosed):
        logger.info("Build %s was taken over or deleted while it ran.", claim.build_id)
    return finished


class _Ending:
    """Records how a build ends: together with its last target, if the rest is finished and stored by then."""

    def __init__(self, claim: Claim, log: BuildLog, writer: StreamWriter) -> None:
        self._claim = claim
        self._log = log
        self._writer = writer
        self._unfinished = len(claim.targets)
        self._concluded = False

    async def finish_target(self, name: str, outcome: Outcome) -> None:
        last = self._unfinished == 1 and await self._is_log_stored()
        finished = await in_thread_with_retry(
            transitions.finish_target, self._claim, name, outcome, last=last
        )
        self._unfinished -= 1
        self._concluded = last and finished

    async def conclude(self) -> None:
        """End the build, unless it ended with its last target."""
        if not self._concluded:
            await in_thread_with_retry(transitions.conclude, self._claim.build_id, self._claim.job_id)

    async def _is_log_stored(self) -> bool:
        """Write the last lines of the log; return whether all of it is stored soon."""
        self._log.close()
        try:
            await asyncio.to_thread(self._writer.flush, FLUSH_PATIENCE)
        except TimeoutError:
            # The outcome is not held back by it: the log has until the build is concluded.
            return False
        return True
