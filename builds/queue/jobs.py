"""Enqueue and cancel jobs in the current Django transaction.

Procrastinate's own app changes its connector inside a worker. These functions use Django's connection, so
that a job and its row are committed together.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from django.db import transaction
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from agentforge.queue.shares import Share
from agentforge.tenancy.rls import as_service

COMPILE, ANSWER, WARM = "builds.compile", "builds.answer", "builds.warm_up"
COMPILE_DRAFT_PROGRAM = "builds.compile_draft_program"
PUBLISH_POSITIONS = "builds.tell_queue"
VERIFY = "builds.verify"
REMOVE_FILES = "builds.remove_files"
EVALUATE = "builds.evaluate"
# On a remote builder: compile a job of its forge and deliver the result.
SERVE = "builder.serve"
QUEUES = {
    SERVE: "builder",
    COMPILE: "builds",
    WARM: "builds",
    VERIFY: "builds",
    ANSWER: "trials",
    EVALUATE: "trials",
    # Whoever answers for drafts compiles it: no build waits for that.
    COMPILE_DRAFT_PROGRAM: "trials",
    PUBLISH_POSITIONS: "upkeep",
    REMOVE_FILES: "upkeep",
}

CHATS = Share("chats", QUEUES[ANSWER], "MOST_RUNNING_CHATS")
EVALUATIONS = Share("evaluations", QUEUES[EVALUATE], "MOST_RUNNING_EVALUATIONS")
VERIFICATIONS = Share("verifications", QUEUES[VERIFY], "MOST_RUNNING_VERIFICATIONS")


def _manager() -> JobManager:
    return JobManager(DjangoConnector())


def defer(task: str, **arguments: int) -> int:
    """Enqueue a task and return its job's id."""
    with as_service():
        return configure_task(name=task, job_manager=_manager(), queue=QUEUES[task]).defer(**arguments)


def defer_build(build_id: int, turn: int, *, at: datetime | None = None) -> int:
    """Enqueue a build behind those with earlier turns, and return its job's id.

    No worker takes it before `at`.
    """
    with as_service():
        task = configure_task(
            name=COMPILE, job_manager=_manager(), queue=QUEUES[COMPILE], priority=-turn, schedule_at=at
        )
        return task.defer(build_id=build_id)


def defer_once(task: str) -> None:
    """Enqueue a task unless it is already queued."""
    with suppress(AlreadyEnqueued), as_service(), transaction.atomic():
        configure_task(name=task, job_manager=_manager(), queue=QUEUES[task], queueing_lock=task).defer()


def withdraw(job_id: int) -> bool:
    """Cancel a queued job, or ask the worker of a running one to stop; return False if it is finished."""
    with as_service():
        return _manager().cancel_job_by_id(job_id, abort=True)
