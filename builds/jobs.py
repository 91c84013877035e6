"""Put jobs into the queue and take them out, always in the present Django transaction.

Procrastinate's own app changes its connector inside a worker; these calls keep to Django's connection,
so that a job and the row that it is about appear together or not at all.
"""

from __future__ import annotations

from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from agentforge.tenancy.rls import as_service

COMPILE, ANSWER, WARM = "builds.compile", "builds.answer", "builds.warm_up"
QUEUES = {COMPILE: "builds", WARM: "builds", ANSWER: "trials"}


def _manager() -> JobManager:
    return JobManager(DjangoConnector())


def defer(task: str, **arguments: int) -> int:
    """Enqueue a task and return its job's id."""
    with as_service():
        return configure_task(name=task, job_manager=_manager(), queue=QUEUES[task]).defer(**arguments)


def withdraw(job_id: int) -> bool:
    """Cancel a job that waits, or ask the worker that runs it to stop; False when it is over."""
    with as_service():
        return _manager().cancel_job_by_id(job_id, abort=True)
