"""Ask an agent something, stop it, and forget what was said."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.live import streams
from agentforge.tenancy.rls import as_service
from builds.announcements import announce, ensure_stream
from builds.errors import NotPossible
from builds.models import PLUGIN, Build, BuildStatus, BuildTarget, ChatMessage, MessageStatus
from builds.queue import jobs
from configs.models import AgentConfig

UNFINISHED = (MessageStatus.QUEUED, MessageStatus.STREAMING)
STOPPED = "Stopped. What was answered until then is kept."


def newest_build(agent: AgentConfig) -> Build | None:
    """Return the agent's newest build whose plugin succeeded: the one that answers."""
    plugins = BuildTarget.objects.filter(build=OuterRef("pk"), target=PLUGIN, status=BuildStatus.SUCCEEDED)
    succeeded = Build.objects.filter(Exists(plugins), revision__agent=agent)
    newest: Build | None = succeeded.select_related("revision").first()
    return newest


def ask(agent: AgentConfig, by: User, text: str) -> tuple[ChatMessage, ChatMessage]:
    """Store a question and its coming answer, and enqueue the job that answers, in one transaction.

    Raises NotPossible without a build, and while an answer is still coming.
    """
    with transaction.atomic():
        AgentConfig.objects.select_for_update().get(pk=agent.pk)
        build = newest_build(agent)
        if build is None:
            raise NotPossible("There is no compiled agent to ask yet. Compile it first.")
        if ChatMessage.objects.filter(agent=agent, status__in=UNFINISHED).exists():
            raise NotPossible("The agent is still answering. Wait for it, or stop it.")
        ensure_stream(agent.pk, agent.owner_id)
        position = streams.position(agent.stream_name)
        kept = {"owner_id": agent.owner_id, "agent": agent, "build": build, "stream_seq": position}
        question = ChatMessage.objects.create(**kept, role=ChatMessage.Role.USER, content=text)
        answer = ChatMessage.objects.create(
            **kept, role=ChatMessage.Role.ASSISTANT, status=MessageStatus.QUEUED
        )
        answer.job_id = jobs.defer(jobs.ANSWER, message_id=answer.pk)
        with as_service():
            answer.save(update_fields=["job_id"])
    return question, answer


def stop(agent: AgentConfig) -> bool:
    """Stop the answer that is coming; False when there is none."""
    with transaction.atomic(), as_service():
        coming: ChatMessage | None = (
            ChatMessage.objects.select_for_update().filter(agent=agent, status__in=UNFINISHED).first()
        )
        if coming is None:
            return False
        if coming.job_id is not None:
            jobs.withdraw(coming.job_id)
        if coming.status == MessageStatus.QUEUED:
            end(coming.pk, coming.job_id, MessageStatus.FAILED, error=STOPPED, was=MessageStatus.QUEUED)
    return True


def clear(agent: AgentConfig) -> int:
    """Delete an agent's whole chat and return the number of messages.

    Raises NotPossible while an answer is coming.
    """
    with transaction.atomic():
        AgentConfig.objects.select_for_update().get(pk=agent.pk)
        messages = ChatMessage.objects.filter(agent=agent)
        if messages.filter(status__in=UNFINISHED).exists():
            raise NotPossible("The agent is still answering. Stop it first.")
        return int(messages.delete()[0])


def claim(message_id: int, job_id: int) -> ChatMessage | None:
    """Turn a waiting answer of this job into a streaming one; None when it is stopped or somebody else's."""
    waiting = ChatMessage.objects.filter(pk=message_id, job_id=job_id, status=MessageStatus.QUEUED)
    if not waiting.update(status=MessageStatus.STREAMING):
        return None
    claimed: ChatMessage = ChatMessage.objects.select_related("build__revision").get(pk=message_id)
    return claimed


def end(
    message_id: int,
    job_id: int | None,
    status: MessageStatus,
    *,
    event: dict[str, object] | None = None,
    was: MessageStatus = MessageStatus.STREAMING,
    **facts: object,
) -> bool:
    """End an answer and say so on the agent's stream, in one transaction; False when it is already over."""
    with transaction.atomic():
        changed = ChatMessage.objects.filter(pk=message_id, job_id=job_id, status=was).update(
            status=status, finished_at=timezone.now(), **facts
        )
        if not changed:
            return False
        message: ChatMessage = ChatMessage.objects.get(pk=message_id)
        told = event or {"type": "error", "code": "internal", "message": message.error}
        announce(message.agent_id, message.owner_id, {"kind": "chat", "message": message.pk, "event": told})
    return True


def history(answer: ChatMessage) -> list[dict[str, str]]:
    """Return the messages that an answer is asked with: the finished exchanges, then the question."""
    earlier = list(ChatMessage.objects.filter(agent_id=answer.agent_id, pk__lt=answer.pk).order_by("pk"))
    messages: list[dict[str, str]] = []
    for asked, said in zip(earlier, [*earlier[1:], answer], strict=True):
        if asked.role != ChatMessage.Role.USER:
            continue
        if said.pk == answer.pk:
            messages.append({"role": "user", "content": asked.content})
        elif said.role == ChatMessage.Role.ASSISTANT and said.status == MessageStatus.DONE and said.content:
            messages.append({"role": "user", "content": asked.content})
            messages.append({"role": "assistant", "content": said.content})
    # The agent itself keeps as many exchanges as its memory has; more than this it never has.
    return messages[-101:]
