"""The files of an agent: add, remove, download."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from agentforge.http import Request
from agentforge.negotiation import failure, form_failure, negotiated, posted, success, wants_json
from configs.forms.files import AddFilesForm
from configs.knowledge.files import FileRefused, add_file, remove_file, used_by
from configs.knowledge.names import clean_name
from configs.models import AgentConfig, KnowledgeBlob, KnowledgeFile

from .forms import agent_of

# As the classes of states on pages are called.
STATES = {
    "queued": "queued",
    "reading": "running",
    "ready": "ready",
    "failed": "failed",
    "missing": "warning",
}


def files_context(agent: AgentConfig) -> dict[str, Any]:
    """Return what the page shows of an agent's files."""
    rows = list(KnowledgeFile.objects.filter(agent=agent))
    return {
        "files": [(row, STATES[row.state]) for row in rows],
        "text_size": sum(row.text_size for row in rows),
        "used": used_by(agent.owner_id),
        "most_file": settings.MOST_KNOWLEDGE_FILE_MB,
        "most_agent": settings.MOST_KNOWLEDGE_AGENT_MB,
        "most": settings.MOST_KNOWLEDGE_MB,
        "add_form": AddFilesForm(),
    }


def files_json(rows: Iterable[KnowledgeFile]) -> list[dict[str, Any]]:
    """Return files for scripts."""
    names = ("name", "sha256", "size", "state", "detail", "text_size", "passages", "created_at")
    return [{"id": row.pk, **{name: getattr(row, name) for name in names}} for row in rows]


@require_POST
@negotiated
def file_add(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    form = AddFilesForm(posted(request), request.FILES)
    if not form.is_valid():
        if wants_json(request):
            return form_failure(form)
        messages.error(request, " ".join(str(text) for texts in form.errors.values() for text in texts))
        return redirect("configs:knowledge", pk=pk)
    added, refused = _add_all(agent, form.cleaned_data["added"])
    if wants_json(request):
        if refused and not added:
            return failure({"added": refused})
        return success(201, files=files_json(added), refused=refused)
    for reason in refused:
        messages.error(request, reason)
    return redirect("configs:knowledge", pk=pk)


def _add_all(agent: AgentConfig, uploads: list[UploadedFile[bytes]]) -> tuple[list[KnowledgeFile], list[str]]:
    """Add each file by itself; return those that were added, and why others were not."""
    added, refused = [], []
    for upload in uploads:
        name = upload.name or ""
        try:
            added.append(add_file(agent, name, upload.read()))
        except FileRefused as reason:
            refused.append(f"“{clean_name(name)}” was not added. {reason}")
    return added, refused


@require_POST
@negotiated
def file_remove(request: Request, pk: int, file: int) -> HttpResponse:
    row = _file_of(request, pk, file)
    remove_file(row)
    if wants_json(request):
        return success()
    messages.success(request, f"“{row.name}” is removed. Earlier revisions keep its text.")
    return redirect("configs:knowledge", pk=pk)


@require_safe
def file_download(request: Request, pk: int, file: int) -> HttpResponse:
    """Send a file as its owner added it."""
    row = _file_of(request, pk, file)
    blob = KnowledgeBlob.objects.owned_by(request.user).filter(agent_id=pk, sha256=row.sha256).first()
    if blob is None:
        raise Http404
    # Never shown: the file may be a page with scripts.
    return HttpResponse(
        bytes(blob.content),
        content_type="application/octet-stream",
        headers={"Content-Disposition": content_disposition_header(True, row.name) or "attachment"},
    )


def _file_of(request: Request, pk: int, file: int) -> KnowledgeFile:
    agent = agent_of(request, pk)
    row: KnowledgeFile = get_object_or_404(KnowledgeFile.objects.owned_by(request.user), pk=file, agent=agent)
    return row
