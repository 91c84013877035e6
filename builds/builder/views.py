from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from builds.remote.endpoints import Answer, malformed, signed
from builds.remote.webhook_signature import Message

from . import intake
from .models import Job

_NOT_FOUND = (404, {"detail": "This builder has no such job."})


def _secrets() -> dict[str, str]:
    return {"forge": settings.AGENTFORGE_BUILDER_SECRET}


def _wrong_kind(message: Message, kind: str) -> Answer | None:
    if message.content.get("kind") == kind:
        return None
    return malformed({"kind": [f"Expected {kind}."]})


@signed(_secrets)
def job_new(message: Message) -> Answer:
    return _wrong_kind(message, "job") or intake.accept(message.content)


@signed(_secrets)
def job_cancel(message: Message, pk: int) -> Answer:
    job = Job.objects.select_for_update().filter(pk=pk).first()
    return _wrong_kind(message, "cancel") or _answer(message, job, intake.cancel)


@signed(_secrets)
def job_state(message: Message, pk: int) -> Answer:
    job = Job.objects.filter(pk=pk).first()
    return _wrong_kind(message, "state") or _answer(message, job, intake.state)


def _answer(message: Message, job: Job | None, handle: Callable[[Job], Answer]) -> Answer:
    return handle(job) if job and str(job.key) == message.content.get("key") else _NOT_FOUND
