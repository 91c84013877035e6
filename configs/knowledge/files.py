"""The files of a draft: added, removed, copied, brought back; each change is told to whoever looks on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from agentforge.accounts.throttling.acts import Act, performs
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.queue import shares
from agentforge.queue.shares import Share
from agentforge.tenancy.rls import as_service
from configs.announcements import announce
from configs.models import AgentConfig, FileState, KnowledgeBlob, KnowledgeFile, Revision, lock_agent

from .extraction.kinds import endings, kind_of
from .names import MOST_FILES, clean_name

READ_TASK = "configs.read_knowledge_file"
READINGS = Share("files read", "process", "MOST_RUNNING_CHECKS")
MB = 1_000_000


class FileRefused(Exception):
    """A file was not added; `str()` says why, and what to do."""


def mb(setting: str) -> int:
    value: int = getattr(settings, setting)
    return value * MB


@performs(Act.ADD_FILE)
def add_file(agent: AgentConfig, name: str, data: bytes) -> KnowledgeFile:
    """Store a file and enqueue its reading; one of the same name is replaced.

    A file that an imported document names by its sha256 takes the name that it has there.
    Raises FileRefused.
    """
    name = clean_name(name)
    _refuse_unreadable(name, data)
    digest = hashlib.sha256(data).hexdigest()
    with transaction.atomic(), as_service():
        lock_agent(agent.pk)
        row = _row_for(agent, name, digest)
        _refuse_full(agent, row, len(data))
        _store(agent, digest, data)
        row.sha256, row.size, row.attempts, row.created_at = digest, len(data), 0, timezone.now()
        row.text_sha256, row.text_size, row.passages = "", 0, 0
        row.save()
        enqueue_reading(row)
        record(Action.FILE_ADDED, owner=agent.owner_id, subject=agent, file=row.name)
        _drop_unnamed(agent.pk)
        refresh(agent.pk)
    return row


def enqueue_reading(row: KnowledgeFile) -> None:
    """Have a worker read a file, in the caller's transaction."""
    row.state, row.detail = FileState.QUEUED, ""
    row.job_id = shares.defer(READINGS, READ_TASK, row.owner_id, file_id=row.pk)
    row.save(update_fields=["state", "detail", "job_id"])


@performs(Act.REMOVE_FILE)
def remove_file(row: KnowledgeFile) -> None:
    """Take a file out of the draft; revisions that name it keep its text."""
    with transaction.atomic(), as_service():
        agent = lock_agent(row.agent_id)
        KnowledgeFile.objects.filter(pk=row.pk).delete()
        record(Action.FILE_REMOVED, owner=agent.owner_id, subject=agent, file=row.name)
        _drop_unnamed(agent.pk)
        refresh(agent.pk)


def copy_files(agent: AgentConfig, copy: AgentConfig) -> None:
    """Give a duplicate its original's files, in the caller's transaction; one without room is missing."""
    blobs = {blob.sha256: blob for blob in KnowledgeBlob.objects.filter(agent=agent)}
    for row in KnowledgeFile.objects.filter(agent=agent):
        row.pk, row.agent, row.job_id = None, copy, None
        needed = [digest for digest in (row.sha256, row.text_sha256) if digest in blobs]
        fits = used_by(copy.owner_id) + sum(blobs[digest].size for digest in needed) <= mb(
            "MOST_KNOWLEDGE_MB"
        )
        if row.state != FileState.MISSING and not fits:
            row.state, row.text_sha256, row.detail = FileState.MISSING, "", "There was no room for it."
        row.save(force_insert=True)
        if row.state == FileState.MISSING:
            continue
        for digest in needed:
            _store(copy, digest, bytes(blobs[digest].content))
        if row.state in (FileState.QUEUED, FileState.READING):
            enqueue_reading(row)
    refresh(copy.pk)


def set_files(agent: AgentConfig, files: Iterable[Mapping[str, Any]]) -> None:
    """Make these the files of a draft, each with `name`, `sha256` and maybe `text`, in a transaction.

    One whose text is stored no more is missing, for its owner to add.
    """
    wanted = {file["name"]: file for file in files}
    rows = {row.name: row for row in KnowledgeFile.objects.filter(agent=agent)}
    KnowledgeFile.objects.filter(agent=agent).exclude(name__in=wanted).delete()
    sizes = dict(KnowledgeBlob.objects.filter(agent=agent).values_list("sha256", "size"))
    for name, file in wanted.items():
        row = rows.get(name) or KnowledgeFile(owner_id=agent.owner_id, agent=agent, name=name)
        if row.pk and row.sha256 == file["sha256"]:
            continue
        text = file.get("text", "")
        row.sha256, row.size, row.detail, row.passages = file["sha256"], sizes.get(file["sha256"], 0), "", 0
        row.state = FileState.READY if text in sizes else FileState.MISSING
        row.text_sha256, row.text_size = (text, sizes[text]) if text in sizes else ("", 0)
        row.save()
    _drop_unnamed(agent.pk)
    refresh(agent.pk)


def refresh(agent_pk: int) -> None:
    """Write down on the draft what its files are, and announce it."""
    rows = KnowledgeFile.objects.filter(agent_id=agent_pk).order_by("name")
    entries = [
        {"name": row.name, "sha256": row.sha256, "text": row.text_sha256, "state": row.state} for row in rows
    ]
    AgentConfig.objects.filter(pk=agent_pk).update(knowledge=entries, updated_at=timezone.now())
    agent: AgentConfig = AgentConfig.objects.get(pk=agent_pk)
    announce(agent.pk, agent.owner_id, {"kind": "draft"})


def used_by(owner_id: UUID) -> int:
    """Return the bytes that an owner's files and their texts have."""
    return KnowledgeBlob.objects.filter(owner_id=owner_id).aggregate(n=Sum("size"))["n"] or 0


def store_text(agent: AgentConfig, text: bytes) -> str:
    """Store an extracted text, and return its sha256 (hex)."""
    digest = hashlib.sha256(text).hexdigest()
    _store(agent, digest, text)
    return digest


def _store(agent: AgentConfig, digest: str, content: bytes) -> None:
    KnowledgeBlob.objects.get_or_create(
        agent=agent,
        sha256=digest,
        defaults={"owner_id": agent.owner_id, "content": content, "size": len(content)},
    )


def _row_for(agent: AgentConfig, name: str, digest: str) -> KnowledgeFile:
    rows: list[KnowledgeFile] = list(KnowledgeFile.objects.filter(agent=agent))
    for row in rows:
        if row.sha256 == digest and row.state == FileState.MISSING:
            return row
    for row in rows:
        if row.sha256 == digest and row.name != name:
            raise FileRefused(f"It is the same file as “{row.name}”, which is there already.")
    new = KnowledgeFile(owner_id=agent.owner_id, agent=agent, name=name)
    same: KnowledgeFile = next((row for row in rows if row.name.casefold() == name.casefold()), new)
    return same


def _refuse_unreadable(name: str, data: bytes) -> None:
    if kind_of(name) is None:
        raise FileRefused(f"Add text, Markdown, HTML, CSV or PDF: a name that ends in {endings()}.")
    if not data:
        raise FileRefused("It is empty.")
    if len(data) > mb("MOST_KNOWLEDGE_FILE_MB"):
        raise FileRefused(f"It is larger than {settings.MOST_KNOWLEDGE_FILE_MB} MB. Divide it.")


def _refuse_full(agent: AgentConfig, row: KnowledgeFile, size: int) -> None:
    if row._state.adding and KnowledgeFile.objects.filter(agent=agent).count() >= MOST_FILES:
        raise FileRefused(f"An agent has at most {MOST_FILES} files. Remove one, or join some into one.")
    if used_by(agent.owner_id) + size > mb("MOST_KNOWLEDGE_MB"):
        raise FileRefused(
            f"All your agents' files and their texts together may have {settings.MOST_KNOWLEDGE_MB} MB. "
            "Remove some, or delete agents that you no longer need, also from the trash."
        )


def _drop_unnamed(agent_pk: int) -> None:
    """Delete the content that neither the draft's files nor a revision name."""
    named = set()
    for row in KnowledgeFile.objects.filter(agent_id=agent_pk):
        named |= {row.sha256, row.text_sha256}
    revisions = Revision.objects.filter(agent_id=agent_pk)
    for blob in KnowledgeBlob.objects.filter(agent_id=agent_pk).exclude(sha256__in=named).only("sha256"):
        # A revision names the text; without it, it could not be compiled again.
        if not revisions.filter(canonical_json__contains=f'"text":"{blob.sha256}"').exists():
            blob.delete()
