"""Calls of an agent's tools that wait for a person: asked in an answer, answered, and gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.crypto import salted_hmac

from agentforge.accounts.models import User
from agentforge.accounts.throttling.acts import Act, performs
from agentforge.queue import shares
from agentforge.tenancy.rls import as_service
from builds.errors import NotPossible
from builds.models import ChatMessage, MessageStatus
from builds.queue import jobs
from configs.announcements import announce
from configs.models import lock_agent

from .conversations import conversation_of

_SALT = "builds.trial.approvals"
_GONE = "This was answered already, or the conversation went on. Load the page again to see what changed."


@dataclass(frozen=True)
class Request:
    """What a request to an agent says of approvals: the state that it gave, and a person's answers."""

    state: str = ""
    answers: list[dict[str, str]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {"ask": True, "state": self.state, "answers": self.answers}


def state_key(agent_id: int) -> str:
    """Return the key with which an agent seals its state, the same in every worker; 64 hex digits."""
    return salted_hmac(_SALT, str(agent_id), algorithm="sha256").hexdigest()


@performs(Act.CHAT)
def answer(message: ChatMessage, by: User, *, approval: str, answer: str, word: str) -> None:
    """Answer one waiting call, and enqueue the rest of the answer, in one transaction.

    Raises NotPossible if it was answered before, or the conversation went on.
    """
    with transaction.atomic(), as_service():
        lock_agent(message.agent_id)
        row: ChatMessage = ChatMessage.objects.select_for_update().get(pk=message.pk)
        is_asked = any(call.get("id") == approval for call in row.waiting_calls)
        if not is_asked or conversation_of(message).filter(pk__gt=row.pk).exists():
            raise NotPossible(_GONE)
        answers = [{"id": approval, "answer": answer, "word": word}]
        row.approval = {"state": row.approval.get("state", ""), "answers": answers}
        row.status, row.finished_at = MessageStatus.QUEUED, None
        row.usage = {name: row.usage[name] for name in row.usage if name not in ("finish", "reason")}
        row.job_id = shares.defer(jobs.CHATS, jobs.ANSWER, row.owner_id, message_id=row.pk)
        row.save(update_fields=["approval", "status", "finished_at", "usage", "job_id"])
        event = {"kind": "chat", "message": row.pk, "event": {"type": "resume"}}
        announce(row.agent_id, row.owner_id, event)


def take(message: ChatMessage) -> Request:
    """Return what a claimed answer says of approvals; a person's answer only once, whoever claims it."""
    own = message.approval
    if own.get("answers"):
        with transaction.atomic():
            ChatMessage.objects.filter(pk=message.pk).update(approval={})
        return Request(str(own.get("state", "")), own["answers"])
    earlier = conversation_of(message).filter(pk__lt=message.pk, role=ChatMessage.Role.ASSISTANT)
    last: ChatMessage | None = earlier.filter(status=MessageStatus.DONE).order_by("-pk").first()
    return Request(str(last.approval.get("state", "")) if last else "")


def earlier(message: ChatMessage) -> Mapping[str, Any]:
    """Return what an answer had when it began to wait."""
    return {name: getattr(message, name) for name in ("content", "tool_calls", "network", "usage")}
