"""The worker's tasks for configurations and keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from procrastinate import JobContext
from procrastinate.contrib.django import app

from agentforge.queue.shares import held_slot
from agentforge.tenancy.connections import connection_lease
from agentforge.tenancy.threads import in_own_thread

from . import recovery, validation
from .keys import verification
from .knowledge import files, reading


@app.task(name=validation.TASK, queue=verification.CHECKS.queue, pass_context=True)
async def process_configuration(context: JobContext, *, run_id: int) -> None:
    """Validate the tabs of a draft for a run."""
    async with held_slot(context):
        await _to_its_end(in_own_thread(validation.validate_draft, run_id))


@app.task(name=verification.TEST_TASK, queue=verification.CHECKS.queue, pass_context=True)
async def test_key(context: JobContext, *, key_id: int, purpose: str = verification.TESTED) -> None:
    """Test a stored key, requested by an operator or due."""
    async with held_slot(context):
        await _to_its_end(in_own_thread(verification.retest_stored, key_id, purpose))


@app.task(name=files.READ_TASK, queue=files.READINGS.queue, pass_context=True)
async def read_knowledge_file(context: JobContext, *, file_id: int) -> None:
    """Extract the text of a file that was added to an agent."""
    async with held_slot(context):
        await _to_its_end(in_own_thread(reading.read_file, file_id))


@app.periodic(cron="*/10 * * * *")
@app.task(name="configs.recheck_keys", queue="upkeep", queueing_lock="configs.recheck_keys")
def recheck_keys(timestamp: int) -> None:
    """Enqueue tests of keys whose last test is too old."""
    _with_own_connection(lambda: verification.enqueue_rechecks(at=datetime.fromtimestamp(timestamp, UTC)))


@app.periodic(cron="*/5 * * * *")
@app.task(name="configs.recover", queue="upkeep", queueing_lock="configs.recover")
def recover(timestamp: int) -> None:
    """Fail the runs that dead workers left behind, and have their files read again."""
    _with_own_connection(recovery.recover)
    _with_own_connection(reading.recover)


async def _to_its_end(work: Coroutine[Any, Any, object]) -> None:
    """Await work in a thread, which can't be cancelled: on cancellation, wait for its end first."""
    running = asyncio.ensure_future(work)
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await running
        raise


def _with_own_connection(work: Callable[[], object]) -> None:
    # The worker's thread ends with the task; an open connection would be lost to the pool.
    with connection_lease():
        work()
