"""What people take along of their builds and chats, and what has to end before their account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import transaction
from django.db.models.functions import Length

from agentforge.accounts.belongings import Files, as_json, as_json_list
from agentforge.accounts.models import User
from agentforge.tenancy.rls import as_service
from configs.models import AgentConfig

from . import reports
from .evaluation.lifecycle import OPEN
from .models import (
    AnswerFiles,
    Build,
    BuildStatus,
    ChatImage,
    ChatMessage,
    Evaluation,
    EvaluationRun,
    MessageStatus,
)
from .serializers import evaluation_run_json
from .trash import stop
from .trial.transcript import MESSAGES_AT_ONCE

# Of one archive; a log that reaches it is still written to its end, and has a limit of its own.
MOST_LOG_BYTES = 64 * 1024**2
# Of the images and files in the chats of one archive.
MOST_FILE_BYTES = 64 * 1024**2


def builds_and_chats(user: User) -> Files:
    """Yield the facts of all builds, and each agent's chat."""
    builds = (
        Build.objects.all_of(user).select_related("revision").prefetch_related("artifacts", "verifications")
    )
    yield "builds.json", as_json([_build(build) for build in builds])
    yield from _logs(builds.order_by("-pk"))
    evaluations = Evaluation.objects.all_of(user).values("agent_id", "cases", "gate")
    runs = EvaluationRun.objects.all_of(user).defer("recording").order_by("pk")
    yield (
        "evaluations.json",
        as_json({"cases": list(evaluations), "runs": [evaluation_run_json(run) for run in runs]}),
    )
    # As the service, because users don't see agents in the trash, which are theirs all the same.
    with as_service():
        messages = ChatMessage.objects.all_of(user)
        agents = messages.order_by("agent_id").values_list("agent_id", "agent__handle").distinct()
        for agent_id, handle in list(agents):
            chat = messages.filter(agent_id=agent_id).select_related("conversation").order_by("pk")
            entries = (_message(message) for message in chat.iterator(MESSAGES_AT_ONCE))
            yield f"chats/{agent_id}-{handle}.json", as_json_list(entries)
    yield from _chat_files(user)


def _logs(newest_first: Iterable[Build]) -> Files:
    """Yield the logs of builds as text up to MOST_LOG_BYTES, and which ones are missing."""
    room = MOST_LOG_BYTES
    missing: list[int] = []

    def counted(build: Build) -> Iterator[str]:
        nonlocal room
        for piece in reports.log_text(build):
            room -= len(piece.encode())
            yield piece

    for build in newest_first:
        if room > 0:
            yield f"logs/build-{build.pk}.log", counted(build)
        else:
            missing.append(build.pk)
    if missing:
        numbers = ", ".join(map(str, missing))
        yield "logs/missing.txt", f"Too much for one archive; each build's page has its log: {numbers}\n"


def _chat_files(user: User) -> Files:
    """Yield the images of questions and the files of answers up to MOST_FILE_BYTES, the newest first."""
    room = MOST_FILE_BYTES
    missing: list[str] = []
    with as_service():
        for path, row in _images_and_archives(user):
            room -= row.size
            if room >= 0:
                yield path, bytes(type(row).objects.values_list("content", flat=True).get(pk=row.pk))
            else:
                missing.append(path)
    if missing:
        yield "chats/missing.txt", "\n".join(["Too much for one archive; the chats have it:", *missing, ""])


def _images_and_archives(user: User) -> Iterator[tuple[str, Any]]:
    """Yield a path and a row with its `size`, but without content, for each image and archive of files."""
    for model in (ChatImage, AnswerFiles):
        rows = model.objects.all_of(user).annotate(size=Length("content")).defer("content")
        for row in rows.order_by("-message_id").select_related("message"):
            at = f"{row.message.agent_id}-{row.message_id}"
            ending = f"{row.number}.{row.media_type.partition('/')[2]}" if model is ChatImage else "files.tar"
            yield f"chats/{at}-{ending}", row


def work_in_progress(user: User) -> str:
    """Return that builds or answers are unfinished: their workers still write to the rows."""
    active = (BuildStatus.QUEUED, BuildStatus.RUNNING)
    if Build.objects.all_of(user).filter(status__in=active).exists():
        return "A build is queued or running. Cancel it, or wait until it has finished."
    answering = (MessageStatus.QUEUED, MessageStatus.STREAMING)
    if ChatMessage.objects.all_of(user).filter(status__in=answering).exists():
        return "An agent is answering. Wait until it has finished."
    if EvaluationRun.objects.all_of(user).filter(status__in=OPEN).exists():
        return "An agent is being evaluated. Stop it, or wait until it has finished."
    return ""


def stop_builds_and_answers(user: User) -> None:
    """Cancel a user's builds and answers; what runs in a worker ends a little later."""
    for agent in AgentConfig.objects.owned_by(user):
        with transaction.atomic(), as_service():
            stop(agent, user)


def _build(build: Build) -> dict[str, Any]:
    names = ("id", "status", "targets", "error", "created_at", "started_at", "finished_at")
    files = [{"name": file.name, "sha256": file.sha256, "size": file.size} for file in build.artifacts.all()]
    facts = {name: getattr(build, name) for name in names}
    verified = [
        {name: getattr(each, name) for name in ("created_at", "status", "findings")}
        for each in build.verifications.all()
    ]
    facts["verifications"] = verified
    return {**facts, "agent": build.revision.agent_id, "revision": build.revision.number, "files": files}


def _message(message: ChatMessage) -> dict[str, Any]:
    names = (
        *("id", "created_at", "role", "source", "status", "content", "images"),
        *("tool_calls", "citations", "usage", "error"),
    )
    title = message.conversation.title if message.conversation else ""
    return {**{name: getattr(message, name) for name in names}, "conversation": title}
