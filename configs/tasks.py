"""The worker's tasks for configurations and keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from procrastinate.contrib.django import app

from agentforge.tenancy.connections import connection_lease

from . import recovery, validation
from .keys import verification


@app.task(name=validation.TASK, queue=validation.QUEUE)
def process_configuration(run_id: int) -> None:
    """Validate the tabs of a draft for a run."""
    _with_own_connection(lambda: validation.validate_draft(run_id))


@app.task(name=verification.TEST_TASK, queue=verification.TEST_QUEUE)
def test_key(key_id: int, purpose: str = verification.TESTED) -> None:
    """Test a stored key, requested by an operator or due."""
    _with_own_connection(lambda: verification.retest_stored(key_id, purpose))


@app.periodic(cron="*/10 * * * *")
@app.task(name="configs.recheck_keys", queue="upkeep", queueing_lock="configs.recheck_keys")
def recheck_keys(timestamp: int) -> None:
    """Enqueue tests of keys whose last test is too old."""
    _with_own_connection(lambda: verification.enqueue_rechecks(at=datetime.fromtimestamp(timestamp, UTC)))


@app.periodic(cron="* * * * * */10")
@app.task(name="configs.recover", queue="upkeep", queueing_lock="configs.recover")
def recover(timestamp: int) -> None:
    """Fail the runs that dead workers left behind."""
    _with_own_connection(recovery.recover)


def _with_own_connection(work: Callable[[], object]) -> None:
    # The worker's thread ends with the task; an open connection would be lost to the pool.
    with connection_lease():
        work()
