"""The worker's tasks for deployments."""

from __future__ import annotations

from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.job_context import AbortReason

from agentforge.tenancy.threads import in_own_thread

from .run import jobs, recovery, runner
from .sites import polling


@app.task(name=jobs.DEPLOY, queue=jobs.QUEUE, pass_context=True)
async def deploy(context: JobContext, *, deployment_id: int) -> None:
    job_id = context.job.id or 0
    await runner.run(
        deployment_id, job_id, is_shutdown=lambda: context.abort_reason() != AbortReason.USER_REQUEST
    )


@app.periodic(cron="*/5 * * * *")
@app.task(name="deployments.recover", queue="upkeep", queueing_lock="deployments.recover")
async def recover(timestamp: int) -> None:
    """Recover the deployments of dead workers."""
    await in_own_thread(recovery.recover)


@app.periodic(cron="*/10 * * * *")
@app.task(name="deployments.look", queue="upkeep", queueing_lock="deployments.look")
async def look(timestamp: int) -> None:
    """Detect sites that were changed outside of the forge."""
    await in_own_thread(polling.poll_sites)
