"""Register what the worker does for deployments."""

from __future__ import annotations

from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.job_context import AbortReason

from agentforge.tenancy.threads import in_own_thread

from .run import jobs, recovery, runner
from .sites import polling


@app.task(name=jobs.DEPLOY, queue=jobs.QUEUE, pass_context=True)
async def deploy(context: JobContext, *, deployment_id: int) -> None:
    """Carry out one deployment."""
    job_id = context.job.id or 0
    await runner.run(
        deployment_id, job_id, is_shutdown=lambda: context.abort_reason() != AbortReason.USER_REQUEST
    )


@app.periodic(cron="* * * * * */10")
@app.task(name="deployments.recover", queue="upkeep", queueing_lock="deployments.recover")
async def recover(timestamp: int) -> None:
    """Go on with what dead workers left behind."""
    await in_own_thread(recovery.recover)


@app.periodic(cron="*/10 * * * *")
@app.task(name="deployments.look", queue="upkeep", queueing_lock="deployments.look")
async def look(timestamp: int) -> None:
    """Look whether the sites still show what was deployed."""
    await in_own_thread(polling.look_at_all)
