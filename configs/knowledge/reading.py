"""Read a file in a worker: its text is extracted by a process of its own, and stored."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Sum

from agentforge import child_environment
from agentforge.tenancy.rls import as_service
from agentforge.worker_liveness import dead_jobs, end_job
from configs.models import AgentInTrash, FileState, KnowledgeBlob, KnowledgeFile, lock_agent

from . import files
from .extraction.kinds import PDF, kind_of

logger = logging.getLogger(__name__)

UNFINISHED = (FileState.QUEUED, FileState.READING)
MOST_ATTEMPTS = 2
# As extraction/__main__.py limits its processor time, and a little.
_SECONDS = 660
_TOO_LONG = "Reading it took too long. Divide it into smaller files, then add them."


def read_file(file_id: int) -> None:
    """Extract and store the text of a queued file; nothing if it was removed or replaced meanwhile."""
    row = _start(file_id)
    if row is None:
        return
    blob: KnowledgeBlob | None = KnowledgeBlob.objects.filter(
        agent_id=row.agent_id, sha256=row.sha256
    ).first()
    result = (
        _extracted(row.name, bytes(blob.content)) if blob else {"error": "Its content is no longer stored."}
    )
    _finish(row, result)


def _start(file_id: int) -> KnowledgeFile | None:
    with transaction.atomic(), as_service():
        waiting = KnowledgeFile.objects.filter(pk=file_id, state__in=UNFINISHED)
        if not waiting.update(state=FileState.READING, attempts=F("attempts") + 1):
            return None
        row: KnowledgeFile = KnowledgeFile.objects.get(pk=file_id)
        files.refresh(row.agent_id)
    return row


def _extracted(name: str, data: bytes) -> dict[str, Any]:
    """Return `title`, `chunks` and `notes` of a file, or an `error` for its owner."""
    command = [sys.executable, "-P", "-m", "configs.knowledge.extraction", kind_of(name) or PDF]
    try:
        done = subprocess.run(
            command,
            input=data,
            capture_output=True,
            cwd=settings.BASE_DIR,
            env=child_environment.for_tools(PYTHONPATH=str(settings.BASE_DIR)),
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"error": _TOO_LONG}
    if done.returncode < 0:
        return {"error": _TOO_LONG}
    try:
        result: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        logger.warning("Extracting a text failed: %s", done.stderr[-500:].decode(errors="replace"))
        return {"error": "It could not be read. Save it in another format, such as text, then add it."}
    return result


def _finish(row: KnowledgeFile, result: dict[str, Any]) -> None:
    try:
        with transaction.atomic(), as_service():
            agent = lock_agent(row.agent_id)
            current = KnowledgeFile.objects.filter(pk=row.pk, sha256=row.sha256, state=FileState.READING)
            # Texts of other files than tables are what they were before tables could be queried.
            table = {"table": result["table"]} if result.get("table") else {}
            text = json.dumps(
                {"title": result.get("title", ""), "chunks": result.get("chunks", []), **table},
                ensure_ascii=False,
                separators=(",", ":"),
                sort_keys=True,
            ).encode()
            error = result.get("error") or _too_much(row, len(text))
            if error:
                current.update(state=FileState.FAILED, detail=error[:500])
            elif current.exists():
                current.update(
                    state=FileState.READY,
                    detail=" ".join(result.get("notes", []))[:500],
                    text_sha256=files.store_text(agent, text),
                    text_size=len(text),
                    passages=len(result["chunks"]),
                )
            files.refresh(agent.pk)
    except AgentInTrash:
        # It is read when the agent is back and the file is added again, or goes with the agent.
        KnowledgeFile.objects.filter(pk=row.pk).update(
            state=FileState.FAILED, detail="The agent was in the trash. Add the file again."
        )


def _too_much(row: KnowledgeFile, size: int) -> str:
    others = KnowledgeFile.objects.filter(agent_id=row.agent_id).exclude(pk=row.pk)
    total = others.aggregate(n=Sum("text_size"))["n"] or 0
    if total + size > files.mb("MOST_KNOWLEDGE_AGENT_MB"):
        return (
            f"The texts of an agent's files may have {settings.MOST_KNOWLEDGE_AGENT_MB} MB together, because "
            "they become part of its program. Remove others, or add a part of this one."
        )
    if files.used_by(row.owner_id) + size > files.mb("MOST_KNOWLEDGE_MB"):
        most = settings.MOST_KNOWLEDGE_MB
        return f"There is no room for its text: all your files may have {most} MB together. Remove some."
    return ""


def recover() -> int:
    """Have files read again whose worker died, once; return the number of all that were found."""
    unfinished = KnowledgeFile.objects.filter(state__in=UNFINISHED)
    found = 0
    for pk, job_id in dead_jobs(unfinished.values_list("pk", "job_id")):
        end_job(job_id)
        found += 1
        with transaction.atomic(), as_service():
            row = unfinished.select_for_update().filter(pk=pk, job_id=job_id).first()
            if row is None:
                continue
            if row.attempts < MOST_ATTEMPTS:
                files.enqueue_reading(row)
            else:
                unfinished.filter(pk=pk).update(
                    state=FileState.FAILED, detail="Reading it failed twice. Divide it, then add its parts."
                )
            files.refresh(row.agent_id)
    return found
