"""Recover from dead workers: restart their builds once, and fail what can't be restarted."""

from __future__ import annotations

from django.db import transaction

from agentforge.worker_liveness import dead_jobs, end_job

from .compiler import workspace
from .evaluation import lifecycle as evaluations
from .execution import transitions
from .execution.transitions import MOST_ATTEMPTS
from .models import Build, BuildStatus, BuildVerification, ChatMessage, EvaluationRun, MessageStatus
from .remote import records
from .trial import chat
from .verification import lifecycle


def recover() -> int:
    """Restart or finish the work of dead workers, and return the number of rows.

    Also removes their temporary files and their remote jobs.
    """
    workspace.remove_abandoned()
    builds = Build.objects.filter(status__in=(BuildStatus.QUEUED, BuildStatus.RUNNING))
    answers = ChatMessage.objects.filter(status__in=(MessageStatus.QUEUED, MessageStatus.STREAMING))
    settled = 0
    for pk, job_id in dead_jobs(builds.values_list("pk", "job_id")):
        settled += _settle_build(pk, job_id)
    for pk, job_id in dead_jobs(answers.values_list("pk", "job_id")):
        settled += _settle_answer(pk, job_id)
    verifications = BuildVerification.objects.filter(status__in=("queued", "running"))
    for pk, job_id in dead_jobs(verifications.values_list("pk", "job_id")):
        end_job(job_id)
        settled += lifecycle.finish(pk, job_id, "failed", ["The worker died. Ask again."])
    runs = EvaluationRun.objects.filter(status__in=evaluations.OPEN)
    for pk, job_id in dead_jobs(runs.values_list("pk", "job_id")):
        settled += _settle_evaluation(pk, job_id)
    records.give_up_orphans()
    return settled


def _settle_build(pk: int, job_id: int) -> bool:
    with transaction.atomic():
        build: Build | None = Build.objects.select_for_update().filter(pk=pk, job_id=job_id).first()
        if build is None or build.finished_at is not None:
            return False
        aborted = end_job(job_id)
        status = BuildStatus(build.status)
        if aborted:
            return transitions.finish(pk, job_id, BuildStatus.CANCELLED, was=status)
        if build.attempts >= MOST_ATTEMPTS:
            # What its targets stored before is kept; the page says so.
            error = f"The worker died {build.attempts} times while it ran this build."
            return transitions.finish(pk, job_id, BuildStatus.FAILED, was=status, error=error)
        why = f"The worker died; starting again, attempt {build.attempts + 1} of {MOST_ATTEMPTS}"
        return transitions.requeue(pk, job_id, why=why, was=status)


def _settle_answer(pk: int, job_id: int) -> bool:
    with transaction.atomic():
        message: ChatMessage | None = ChatMessage.objects.select_for_update().filter(pk=pk).first()
        if message is None:
            return False
        error = chat.STOPPED if end_job(job_id) else "The worker died while it answered. Ask again."
        status = MessageStatus(message.status)
        return chat.finish(pk, job_id, MessageStatus.FAILED, error=error, was=status)


def _settle_evaluation(pk: int, job_id: int) -> bool:
    if end_job(job_id):
        return evaluations.finish(pk, job_id, EvaluationRun.Status.STOPPED)
    error = "The worker died. What it found so far was kept. Run it again."
    return evaluations.finish(pk, job_id, EvaluationRun.Status.BROKEN, error)
