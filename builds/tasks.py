"""The worker's tasks for builds and trial chats."""

from __future__ import annotations

import logging
import time

from django.conf import settings
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.job_context import AbortReason

from agentforge.queue.shares import held_slot
from agentforge.tenancy.threads import in_own_thread, in_thread

from . import example_agent, recovery
from .artifacts import retention
from .compiler import build_plan, knowledge, toolchain, warmup
from .compiler import sources as agent_sources
from .compiler.inputs import Inputs
from .errors import BuildError
from .evaluation import runner as evaluation_runner
from .execution import prepared, runner
from .logs.build_log import BuildLog, Record
from .models import PLUGIN
from .operations import pruning
from .queue import jobs, position
from .trial import responder
from .trial.draft_program import draft_program, is_compiled
from .verification import verifier

logger = logging.getLogger(__name__)


@app.task(name=jobs.COMPILE, queue=jobs.QUEUES[jobs.COMPILE], pass_context=True)
async def compile_build(context: JobContext, *, build_id: int) -> None:
    await runner.run_build(build_id, context.job.id or 0, is_shutdown=lambda: _is_shutdown(context))


@app.task(name=jobs.VERIFY, queue=jobs.QUEUES[jobs.VERIFY], pass_context=True)
async def verify_build(context: JobContext, *, verification_id: int) -> None:
    """Rebuild a build's files and compare them."""
    async with held_slot(context):
        await verifier.run(verification_id, context.job.id or 0)


@app.task(name=jobs.ANSWER, queue=jobs.QUEUES[jobs.ANSWER], pass_context=True)
async def answer_message(context: JobContext, *, message_id: int) -> None:
    async with held_slot(context):
        await responder.run_answer(message_id, context.job.id or 0, is_shutdown=lambda: _is_shutdown(context))


@app.task(name=jobs.EVALUATE, queue=jobs.QUEUES[jobs.EVALUATE], pass_context=True)
async def evaluate(context: JobContext, *, evaluation_run_id: int) -> None:
    async with held_slot(context):
        await evaluation_runner.run(
            evaluation_run_id, context.job.id or 0, is_shutdown=lambda: _is_shutdown(context)
        )


# A worker starts it at once when it sees jobs of a dead one; this is for what no job belongs to.
@app.periodic(cron="*/5 * * * *")
@app.task(name="builds.recover", queue="upkeep", queueing_lock="builds.recover")
async def recover(timestamp: int) -> None:
    """Restart or fail the work of dead workers."""
    await in_thread(recovery.recover)


@app.task(
    name=jobs.PUBLISH_POSITIONS,
    queue=jobs.QUEUES[jobs.PUBLISH_POSITIONS],
    queueing_lock=jobs.PUBLISH_POSITIONS,
)
async def publish_positions() -> None:
    await in_thread(position.publish_positions)


# Workers warm it before they take builds; this is for what changes or fails meanwhile.
@app.periodic(cron="*/5 * * * *")
@app.task(name=jobs.WARM, queue=jobs.QUEUES[jobs.WARM], queueing_lock=jobs.WARM, lock=jobs.WARM)
async def warm_up(timestamp: int = 0) -> None:
    """Warm Go's cache for a new toolchain or new sources, then compile the example and what drafts need."""
    log = BuildLog(_to_log)
    try:
        found = await in_thread(toolchain.find)
        sources = agent_sources.read()
        await warmup.ensure(found, sources, log)
        if example_agent.is_offered():
            document = await in_thread(example_agent.example_document)
            await prepared.prepare(Inputs(document, PLUGIN, sources, found), log)
        if settings.AGENTFORGE_ROLE != "builder" and not await in_thread(is_compiled):
            await in_thread(lambda: jobs.defer_once(jobs.COMPILE_DRAFT_PROGRAM))
    except BuildError as error:
        logger.warning("%s", error)


@app.task(
    name=jobs.COMPILE_DRAFT_PROGRAM,
    queue=jobs.QUEUES[jobs.COMPILE_DRAFT_PROGRAM],
    queueing_lock=jobs.COMPILE_DRAFT_PROGRAM,
    lock=jobs.COMPILE_DRAFT_PROGRAM,
)
async def compile_draft_program() -> None:
    try:
        await draft_program()
    except BuildError as error:
        logger.warning("%s", error)


@app.periodic(cron="17 * * * *")
@app.task(name="builds.tidy", queue="upkeep", queueing_lock="builds.tidy")
async def tidy(timestamp: int) -> None:
    """Keep Go's cache within its size limit; remove old plans, and indexes of drafts nobody talks to."""
    await in_thread(warmup.prune)
    await in_thread(build_plan.prune, time.time())
    await in_thread(knowledge.prune, time.time())


@app.periodic(cron="43 * * * *")
@app.task(name="builds.prune", queue="upkeep", queueing_lock="builds.prune", lock="builds.prune")
async def prune(timestamp: int) -> None:
    """Remove expired files, and old logs, chats and finished jobs."""
    await in_own_thread(_prune)


@app.task(name=jobs.REMOVE_FILES, queue=jobs.QUEUES[jobs.REMOVE_FILES])
async def remove_files(*, build_id: int) -> None:
    """Delete the bytes that an operator had removed; what fails is left to `prune`."""
    await in_own_thread(lambda: retention.remove_released(build_id))


def _prune() -> None:
    for kind, amount in pruning.prune(apply=True).items():
        if amount.rows or amount.files:
            logger.info("Pruned %s: %s rows, %s files.", kind, amount.rows, amount.files)


def _is_shutdown(context: JobContext) -> bool:
    return context.abort_reason() != AbortReason.USER_REQUEST


def _to_log(record: Record) -> None:
    if record["kind"] == "line":
        logger.info("%s", record["text"])
