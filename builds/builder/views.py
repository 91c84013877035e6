from __future__ import annotations

from django.conf import settings

from builds.remote.endpoints import Answer, malformed, signed
from builds.remote.webhook_signature import Message

from . import intake
from .models import Job

_MISSING = (404, {"detail": "There is no such job here."})


def _secrets() -> dict[str, str]:
    return {"forge": settings.AGENTFORGE_BUILDER_SECRET}


def _asks(message: Message, kind: str) -> bool:
    return message.content.get("kind") == kind


@signed(_secrets)
def job_new(message: Message) -> Answer:
    """Queue a job."""
    if not _asks(message, "job"):
        return malformed({"kind": ["job is expected here."]})
    return intake.accept(message.content)


@signed(_secrets)
def job_cancel(message: Message, pk: int) -> Answer:
    """Stop a job."""
    job = Job.objects.select_for_update().filter(pk=pk).first()
    if not _asks(message, "cancel"):
        return malformed({"kind": ["cancel is expected here."]})
    return intake.cancel(job) if job and str(job.key) == message.content.get("key") else _MISSING


@signed(_secrets)
def job_state(message: Message, pk: int) -> Answer:
    """Say how far a job is."""
    job = Job.objects.filter(pk=pk).first()
    if not _asks(message, "state"):
        return malformed({"kind": ["state is expected here."]})
    return intake.state(job) if job and str(job.key) == message.content.get("key") else _MISSING
