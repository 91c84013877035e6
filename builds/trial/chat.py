"""The trial chat with an agent: ask, stop and clear, and the transitions of an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.accounts.throttling.acts import Act, performs
from agentforge.live import streams
from agentforge.prepared_queries import Parameter, PreparedQuery
from agentforge.queue import shares
from agentforge.telemetry import jobs as job_log
from agentforge.tenancy.rls import as_service
from builds.errors import NotPossible
from builds.models import (
    PLUGIN,
    Build,
    BuildStatus,
    BuildTarget,
    ChatMessage,
    ChatSource,
    Conversation,
    MessageStatus,
)
from builds.models import STOPPED as STOPPED
from builds.queue import jobs
from configs.announcements import announce, ensure_stream
from configs.choices import Tab
from configs.draft_check import known_problems
from configs.models import AgentConfig, lock_agent
from configs.revisions import draft_json

from . import images, room
from .conversations import announce_change, conversation_to_ask_in, conversations_of, messages_of

Source = ChatSource
UNFINISHED = (MessageStatus.QUEUED, MessageStatus.STREAMING)
STILL_ANSWERING = "The agent is still answering. Wait for it, or stop it."


def newest_build(agent: AgentConfig) -> Build | None:
    """Return the build that answers: the agent's newest one with a plugin that was not cancelled."""
    return newest_builds.first(agent=agent.pk)


def can_answer() -> Q:
    """Return the condition for builds that can answer; the newest of an agent does."""
    plugins = BuildTarget.objects.filter(build=OuterRef("pk"), target=PLUGIN, status=BuildStatus.SUCCEEDED)
    return Q(Exists(plugins)) & ~Q(status=BuildStatus.CANCELLED)


# The build of the agent `agent` that answers, if there is one.
newest_builds: PreparedQuery[Build] = PreparedQuery(
    lambda: (
        Build.objects.filter(can_answer(), revision__agent=Parameter("agent"))
        .select_related("revision")
        .order_by("-pk")[:1]
    )
)


@performs(Act.CHAT)
def ask(
    agent: AgentConfig,
    by: User,
    text: str,
    conversation: Conversation | None = None,
    *,
    new: bool = False,
    pictures: Sequence[bytes] = (),
) -> tuple[ChatMessage, ChatMessage]:
    """Store a question and its pending answer and enqueue the job, in one transaction.

    `new` begins a conversation; without one, the question belongs to the one that was used last.
    Raises NotPossible without a build, while another answer is pending, for images to an agent that takes
    none, and without room for images and files.
    """
    with transaction.atomic(), as_service():
        lock_agent(agent.pk)
        build = newest_build(agent)
        if build is None:
            raise NotPossible("The agent is not compiled yet. Compile it first.")
        images.refuse_unless_taken(build.revision.canonical_json, pictures)
        room.refuse_full(agent.owner_id, build.revision.canonical_json, pictures)
        place = conversation_to_ask_in(agent, Source.BUILD, text, conversation, new=new)
        return _enqueue(agent, text, place, build=build, pictures=pictures)


def ask_draft(
    agent: AgentConfig,
    by: User,
    text: str,
    conversation: Conversation | None = None,
    *,
    new: bool = False,
    pictures: Sequence[bytes] = (),
) -> tuple[ChatMessage, ChatMessage]:
    """Ask the saved draft itself, as `ask` does a build.

    Raises NotPossible for a draft that can't be compiled either, and while another answer of it is pending.
    """
    refuse_unready(agent)
    return ask_ready_draft(agent, by, text, conversation, new=new, pictures=pictures)


def refuse_unready(agent: AgentConfig) -> None:
    """Raise NotPossible for a draft that can't be compiled either. This may ask the local model's server."""
    if problems := known_problems(agent):
        raise NotPossible(f"The draft can't answer yet. First correct {_tabs(problems)}.")


@performs(Act.CHAT)
def ask_ready_draft(
    agent: AgentConfig,
    by: User,
    text: str,
    conversation: Conversation | None = None,
    *,
    new: bool = False,
    pictures: Sequence[bytes] = (),
) -> tuple[ChatMessage, ChatMessage]:
    """Ask a draft that `refuse_unready` did not refuse; unlike that, this may be part of a transaction.

    Raises NotPossible while another answer of it is pending.
    """
    with transaction.atomic(), as_service():
        draft = lock_agent(agent.pk)
        document = draft_json(draft)
        images.refuse_unless_taken(document, pictures)
        room.refuse_full(agent.owner_id, document, pictures)
        facts = {"document": document, "edition": edition_of(draft, document)}
        place = conversation_to_ask_in(draft, Source.DRAFT, text, conversation, new=new)
        return _enqueue(draft, text, place, answer_facts=facts, pictures=pictures)


def _tabs(problems: Iterable[str]) -> str:
    return " and ".join(Tab(name).label for name in problems)


def edition_of(agent: AgentConfig, document: str) -> str:
    """Return what a draft is: its newest revision, and whether it has changed since; empty without one."""
    newest = agent.revisions.order_by("-number").first()
    if newest is None:
        return ""
    return f"revision {newest.number}" + (" + changes" if newest.canonical_json != document else "")


def _enqueue(
    agent: AgentConfig,
    text: str,
    conversation: Conversation,
    *,
    build: Build | None = None,
    answer_facts: Mapping[str, str] | None = None,
    pictures: Sequence[bytes] = (),
) -> tuple[ChatMessage, ChatMessage]:
    if messages_of(agent, Source(conversation.source), conversation).filter(status__in=UNFINISHED).exists():
        raise NotPossible(STILL_ANSWERING)
    ensure_stream(agent.pk, agent.owner_id)
    position = streams.position(agent.stream_name)
    place = {
        "owner_id": agent.owner_id,
        "agent": agent,
        "source": Source.BUILD if build else Source.DRAFT,
        "conversation": conversation,
        "stream_seq": position,
    }
    question = ChatMessage.objects.create(
        **place, build=build, role=ChatMessage.Role.USER, content=text, images=len(pictures)
    )
    images.keep(question, pictures)
    answer: ChatMessage = ChatMessage.objects.create(
        **place,
        build=build,
        role=ChatMessage.Role.ASSISTANT,
        status=MessageStatus.QUEUED,
        **(answer_facts or {}),
    )
    answer.job_id = shares.defer(jobs.CHATS, jobs.ANSWER, agent.owner_id, message_id=answer.pk)
    answer.save(update_fields=["job_id"])
    announce_change(agent)
    return question, answer


def stop(
    agent: AgentConfig, source: ChatSource = Source.BUILD, conversation: Conversation | None = None
) -> bool:
    """Stop the pending answer, in any conversation unless one is given; return False when there is none."""
    with transaction.atomic(), as_service():
        unfinished = messages_of(agent, source, conversation).filter(status__in=UNFINISHED)
        answer: ChatMessage | None = unfinished.select_for_update().first()
        if answer is None:
            return False
        if answer.job_id is not None:
            jobs.withdraw(answer.job_id)
        if answer.status == MessageStatus.QUEUED:
            finish(answer.pk, answer.job_id, MessageStatus.FAILED, error=STOPPED, was=MessageStatus.QUEUED)
    return True


def clear(
    agent: AgentConfig, source: ChatSource = Source.BUILD, conversation: Conversation | None = None
) -> int:
    """Delete a conversation, or all those with a draft or with builds; return the number of messages.

    Raises NotPossible while an answer is pending.
    """
    with transaction.atomic(), as_service():
        lock_agent(agent.pk)
        messages = messages_of(agent, source, conversation)
        if messages.filter(status__in=UNFINISHED).exists():
            raise NotPossible("The agent is still answering. Stop it first.")
        count = messages.delete()[1].get(ChatMessage._meta.label, 0)
        emptied = conversations_of(agent, source)
        (emptied.filter(pk=conversation.pk) if conversation else emptied).delete()
        announce_change(agent)
        return count


def claim(message_id: int, job_id: int) -> ChatMessage | None:
    """Start streaming a queued answer; return None if it was stopped or belongs to another job."""
    with transaction.atomic():
        waiting = ChatMessage.objects.filter(pk=message_id, job_id=job_id, status=MessageStatus.QUEUED)
        if not waiting.update(status=MessageStatus.STREAMING):
            return None
        claimed: ChatMessage = ChatMessage.objects.select_related(
            "agent", "conversation", "build__revision"
        ).get(pk=message_id)
        started = {"kind": "chat", "message": message_id, "event": {"type": "start"}}
        announce(claimed.agent_id, claimed.owner_id, started)
        job_log.started("answer", claimed.pk, request_id=claimed.request_id, enqueued_at=claimed.created_at)
    return claimed


def finish(
    message_id: int,
    job_id: int | None,
    status: MessageStatus,
    *,
    event: dict[str, object] | None = None,
    was: MessageStatus = MessageStatus.STREAMING,
    **facts: object,
) -> bool:
    """Finish an answer and publish that on the agent's stream; return False when it has finished already."""
    with transaction.atomic():
        changed = ChatMessage.objects.filter(pk=message_id, job_id=job_id, status=was).update(
            status=status, finished_at=timezone.now(), **facts
        )
        if not changed:
            return False
        message: ChatMessage = ChatMessage.objects.get(pk=message_id)
        event = event or {"type": "error", "code": "internal", "message": message.error}
        if message.is_stopped:
            event = {"type": "error", "code": "stopped", "message": message.stopped_words}
        announce(message.agent_id, message.owner_id, {"kind": "chat", "message": message.pk, "event": event})
        job_log.ended(
            "answer", message.pk, status, request_id=message.request_id, began_at=message.created_at
        )
    return True
