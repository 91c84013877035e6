"""Take jobs that a forge asks for, and stop them: what the forge's messages do at once."""

from __future__ import annotations

from typing import Any

from builds.compiler import targets
from builds.errors import BuildError
from builds.queue import jobs
from builds.remote.endpoints import Answer, malformed
from builds.remote.job_request import sources_digest
from builds.remote.messages import JobForm

from . import job_store
from .models import Job


def accept(content: dict[str, Any]) -> Answer:
    """Queue a job, once however often it is asked for.

    Refused with 409 and a `code` when this builder's bytes would be others than the forge asked for.
    """
    form = JobForm(content)
    if not form.is_valid():
        return malformed(form.errors)
    asked = form.cleaned_data
    job = Job.objects.filter(key=asked["key"]).first()
    if job is None:
        try:
            difference = _difference(asked)
        except BuildError as error:
            return 409, {"code": "impossible", "detail": str(error)}
        if difference:
            return 409, {"code": "different", "detail": difference}
        del asked["system"]
        job = Job.objects.create(**asked)
        job_store.enqueue(job)
    return 202, describe(job)


def _difference(asked: dict[str, Any]) -> str:
    if targets.get(asked["target"]).section != asked["system"]:
        return f"The target {asked['target']} is here for {targets.get(asked['target']).section}."
    here = sources_digest(asked["target"])
    if here != asked["sources"]:
        return f"This builder has other agent sources: {here[:12]}, asked for were {asked['sources'][:12]}."
    chain = targets.chain_for(targets.get(asked["target"]))
    if asked["toolchain"] and asked["toolchain"] != chain.digest:
        return f"This builder has another toolchain: {chain.label}, {chain.linker_version}."
    return ""


def describe(job: Job) -> dict[str, Any]:
    """Return what the forge learns of a job."""
    return {"job": job.pk, "state": job.state, "result": job.result}


def cancel(job: Job) -> Answer:
    """End a job that waits, or ask the worker that runs it to kill the compiler.

    The job's result says `cancelled` only when no process of it lives.
    """
    if job.state in (Job.State.QUEUED, Job.State.RUNNING):
        if job.job_id is not None:
            jobs.withdraw(job.job_id)
        job.cancel_asked = True
        job.save(update_fields=["cancel_asked"])
        if job.state == Job.State.QUEUED:
            job_store.end(job.pk, job.job_id, Job.Result.CANCELLED)
            job.refresh_from_db()
            job_store.enqueue(job)
    return 202, describe(job)


def state(job: Job) -> Answer:
    """Say how far a job is; a forge that asks is there to be told the rest."""
    job_store.revive([job])
    job.refresh_from_db()
    return 200, describe(job)
