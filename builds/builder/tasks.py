"""The tasks of a builder's worker."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.job_context import AbortReason

from agentforge.tenancy.threads import in_thread
from builds.compiler import workspace
from builds.queue import jobs
from builds.remote.models import SeenMessage

from . import job_store, worker
from .models import Job

# A job that no forge fetched for this long is no longer wanted.
_JOB_AGE = timedelta(days=1)
# Longer than the span of accepted timestamps, which reaches into the past and the future.
_MESSAGE_AGE = timedelta(minutes=15)


@app.task(name=jobs.SERVE, queue=jobs.QUEUES[jobs.SERVE], pass_context=True)
async def serve(context: JobContext, *, job: int) -> None:
    """Compile and deliver one job."""
    await worker.run(job, context.job.id or 0, is_shutdown=lambda: _is_shutdown(context))


def _is_shutdown(context: JobContext) -> bool:
    return context.abort_reason() != AbortReason.USER_REQUEST


# A builder looks often whether its forge is back.
@app.periodic(cron="* * * * * */10" if settings.AGENTFORGE_ROLE == "builder" else "*/5 * * * *")
@app.task(name="builder.recover", queue="upkeep", queueing_lock="builder.recover")
async def recover(timestamp: int) -> None:
    """Resume the jobs of dead workers, and those whose forge was unreachable; remove dead workers' files."""
    await in_thread(lambda: job_store.requeue_abandoned(Job.objects.exclude(state=Job.State.CLOSED)))
    await in_thread(workspace.remove_abandoned)


@app.periodic(cron="23 * * * *")
@app.task(name="builder.prune", queue="upkeep", queueing_lock="builder.prune")
async def prune(timestamp: int) -> None:
    """Remove old jobs, and the ids of messages that are too old to be accepted again."""
    now = timezone.now()
    await in_thread(job_store.prune, now - _JOB_AGE)
    await in_thread(SeenMessage.prune, now - _MESSAGE_AGE)
