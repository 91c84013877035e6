"""What the log says of jobs: started, ended, gone back to the queue; each line names worker and request."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from agentforge.tenancy.threads import in_thread

from . import tally
from .context import REQUEST_ID, Field, bind, current_fields, log_context
from .tracing import SpanKind, traced

if TYPE_CHECKING:
    from procrastinate import JobContext

logger = logging.getLogger("agentforge.jobs")
# Bound by `started`: the job's own lines say what became of it.
_SUBJECT = "kind"
_UPKEEP = "upkeep"


async def log_job(call: Callable[[], Awaitable[Any]], context: JobContext, worker: object) -> Any:
    """Run a job with its worker in every line; procrastinate calls it for each job."""
    job = context.job
    fields: dict[str, Field] = {"worker": context.worker_name or "worker", "host": socket.gethostname()}
    began, outcome = time.monotonic(), "failed"
    with log_context(**fields, job=job.id or 0, task=job.task_name):
        try:
            result = await _traced(call, context)
            outcome = "succeeded"
            return result
        finally:
            if _SUBJECT not in current_fields() and not _is_upkeep(context):
                seconds = round(time.monotonic() - began, 3)
                logger.info("Job %s %s", job.task_name, outcome, extra=_ended(outcome, seconds))
            await in_thread(tally.flush)


async def _traced(call: Callable[[], Awaitable[Any]], context: JobContext) -> Any:
    if _is_upkeep(context):
        return await call()
    with traced(context.job.task_name, SpanKind.CONSUMER) as span:
        span.attributes |= {"queue": context.job.queue, "worker": context.worker_name or "worker"}
        return await call()


def started(kind: str, pk: int, *, request_id: str, enqueued_at: datetime, **more: Field) -> None:
    """Log, after the commit, that a worker began a job; its further lines carry what is given here."""
    waited = _seconds(enqueued_at, timezone.now())
    transaction.on_commit(lambda: tally.observe("job_wait_seconds", waited, kind))
    bind(**{_SUBJECT: kind, kind: pk, REQUEST_ID: request_id, **more})
    _after_commit(f"{kind.capitalize()} {pk} started", {"event": "started", "waited": waited})


def ended(
    kind: str, pk: int, outcome: str, *, request_id: str, began_at: datetime | None, **more: Field
) -> None:
    """Log, after the commit, how a job ended; `began_at` is None if it never started."""
    seconds = _seconds(began_at, timezone.now()) if began_at else 0.0
    transaction.on_commit(lambda: _count_end(kind, outcome, seconds if began_at else None))
    words = f"{kind.capitalize()} {pk} {outcome} after {seconds:.1f} s"
    _after_commit(words, {**_about(kind, pk, request_id), **_ended(outcome, seconds), **more})


def requeued(kind: str, pk: int, why: str, *, request_id: str, **more: Field) -> None:
    """Log, after the commit, that a job that had begun starts again, on this worker or another one."""
    transaction.on_commit(lambda: tally.count("jobs_requeued", kind))
    words = f"{kind.capitalize()} {pk} goes back to the queue: {why}"
    _after_commit(words, {**_about(kind, pk, request_id), "event": "requeued", **more})


def cancel_requested(kind: str, pk: int) -> None:
    """Log, after the commit, that somebody asked to cancel a job; the line carries that request's id."""
    _after_commit(f"Cancel of {kind} {pk} requested", {kind: pk, "event": "cancel-requested"})


def _count_end(kind: str, outcome: str, seconds: float | None) -> None:
    tally.count("jobs", kind, outcome)
    if seconds is not None:
        tally.observe("job_seconds", seconds, kind)


def _about(kind: str, pk: int, request_id: str) -> dict[str, Field]:
    return {kind: pk, REQUEST_ID: request_id} if request_id else {kind: pk}


def _ended(outcome: str, seconds: float) -> dict[str, Field]:
    return {"event": "ended", "outcome": outcome, "seconds": seconds}


def _after_commit(words: str, extra: dict[str, Field]) -> None:
    # A transaction that is rolled back has changed nothing.
    transaction.on_commit(lambda: logger.info("%s", words, extra=extra))


def _seconds(since: datetime, until: datetime) -> float:
    return round(max(0.0, (until - since).total_seconds()), 3)


def _is_upkeep(context: JobContext) -> bool:
    """Return whether a job is one of those that run every few seconds, or tidy up after others."""
    periodic = context.app.periodic_registry.periodic_tasks.values()
    return context.job.queue == _UPKEEP or any(each.task.name == context.job.task_name for each in periodic)
