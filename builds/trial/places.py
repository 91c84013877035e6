"""The places of waiting answers in the queue, shown with them and published when the queue moves."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from agentforge.queue.places import WaitingJob, waiting_jobs
from agentforge.tenancy.rls import as_service
from agentforge.worker_liveness import any_worker_alive
from builds.models import ChatMessage, MessageStatus
from builds.queue.jobs import CHATS
from configs.announcements import announce

# Moves are published up to this position.
ALWAYS_PUBLISHED = 20


def words_by_message(messages: Iterable[ChatMessage]) -> dict[int, str]:
    """Return why each queued one of these answers can't start at once, by its primary key."""
    queued = [message for message in messages if message.status == MessageStatus.QUEUED]
    waiting = _waiting() if queued else {}
    return {message.pk: waiting[message.job_id].words for message in queued if message.job_id in waiting}


def publish_places() -> int:
    """Publish the places of the first waiting answers on their agents' streams; return their number."""
    numbered = {
        job_id: job for job_id, job in _waiting().items() if job.position and job.position <= ALWAYS_PUBLISHED
    }
    if not numbered:
        return 0
    with as_service():
        rows = ChatMessage.objects.filter(job_id__in=numbered, status=MessageStatus.QUEUED)
        answers = list(rows.values_list("pk", "agent_id", "owner_id", "job_id"))
        for pk, agent_id, owner_id, job_id in answers:
            job = numbered[job_id]
            event = {"type": "queue", "position": job.position, "words": job.words}
            announce(agent_id, owner_id, {"kind": "chat", "message": pk, "event": event})
    return len(answers)


def _waiting() -> dict[int, WaitingJob]:
    return waiting_jobs(CHATS, settings.CHAT_CONCURRENCY, any_worker_alive)
