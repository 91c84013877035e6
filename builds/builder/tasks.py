"""Register what a builder's worker does."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.job_context import AbortReason

from agentforge.tenancy.threads import in_thread
from builds.queue import jobs
from builds.remote.models import SeenMessage

from . import job_store, worker
from .models import Job

# What no forge fetched for so long is not wanted any more.
_KEPT = timedelta(days=1)
# Longer than a message's time is accepted, into the past and into the future.
_REMEMBERED = timedelta(minutes=15)


@app.task(name=jobs.SERVE, queue=jobs.QUEUES[jobs.SERVE], pass_context=True)
async def serve(context: JobContext, *, job: int) -> None:
    """Work on one job of a builder."""
    await worker.run(job, context.job.id or 0, is_shutdown=lambda: _is_shutdown(context))


def _is_shutdown(context: JobContext) -> bool:
    return context.abort_reason() != AbortReason.USER_REQUEST


@app.periodic(cron="* * * * * */10")
@app.task(name="builder.recover", queue="upkeep", queueing_lock="builder.recover")
async def recover(timestamp: int) -> None:
    """Go on with the jobs that dead workers left behind, and with those whose forge was silent."""
    await in_thread(lambda: job_store.revive(Job.objects.exclude(state=Job.State.CLOSED)))


@app.periodic(cron="23 * * * *")
@app.task(name="builder.prune", queue="upkeep", queueing_lock="builder.prune")
async def prune(timestamp: int) -> None:
    """Forget old jobs, and the ids of messages whose time is over."""
    now = timezone.now()
    await in_thread(job_store.prune, now - _KEPT)
    await in_thread(SeenMessage.forget, now - _REMEMBERED)
