"""Handle a forge's requests: accept a job, cancel it, report its state."""

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
    """Enqueue a job; a repeated request returns the same job.

    Refuses with 409 and a `code` when this builder can't produce the bytes that the forge expects.
    """
    form = JobForm(content)
    if not form.is_valid():
        return malformed(form.errors)
    request = form.cleaned_data
    job = Job.objects.filter(key=request["key"]).first()
    if job is None:
        try:
            difference = _difference(request)
        except BuildError as error:
            return 409, {"code": "impossible", "detail": str(error)}
        if difference:
            return 409, {"code": "different", "detail": difference}
        del request["system"]
        job = Job.objects.create(**request)
        job_store.enqueue(job)
    return 202, describe(job)


def _difference(request: dict[str, Any]) -> str:
    target = targets.get(request["target"])
    if target.section != request["system"]:
        return f"Here the target {target.name} means {target.section}."
    local = sources_digest(target.name)
    if local != request["sources"]:
        return (
            f"This builder has other agent sources, or another release: {local[:12]}, requested "
            f"{request['sources'][:12]}."
        )
    chain = targets.toolchain_for(target)
    if request["toolchain"] and request["toolchain"] != chain.digest:
        return f"This builder has another toolchain: {chain.label}, {chain.linker_version}."
    return ""


def describe(job: Job) -> dict[str, Any]:
    return {"job": job.pk, "state": job.state, "result": job.result}


def cancel(job: Job) -> Answer:
    """Cancel a queued job, or have the worker that runs it kill the compiler.

    The result becomes `cancelled` only when no process of the job lives.
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
    """Return a job's state, and resume its delivery: a forge that asks is reachable again."""
    job_store.requeue_abandoned([job])
    job.refresh_from_db()
    return 200, describe(job)
