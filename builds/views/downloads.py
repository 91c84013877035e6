"""Hand out the files of a build, alone or as one zip."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from django.contrib import messages
from django.http import (
    Http404,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
    HttpResponseRedirect,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.http import Request
from agentforge.negotiation import wants_json
from agentforge.problems import problem
from builds.artifacts import leases, storage
from builds.artifacts.errors import FileMissing, StorageProblem
from builds.models import PLUGIN, Artifact, Build
from builds.package import archive, assembly

from .pages import build_of
from .responses import streamed

_PIECE = 256 * 1024


@require_safe
def build_download(request: Request, pk: int) -> HttpResponseBase:
    """Send all files of a build as one zip, whose bytes depend on the files alone."""
    build = build_of(request, pk)
    files = list(build.artifacts.all())
    if build.expired_at is not None:
        return gone(request, build)
    if not files:
        raise Http404("This build has no files.")
    named = "".join(f"{file.path} {file.sha256}\n" for file in files)
    sums = hashlib.sha256(named.encode()).hexdigest()
    try:
        leases.take(file.sha256 for file in files)
        entries = [
            (file.path, storage.local_copy(file.sha256), assembly.is_executable(file.name)) for file in files
        ]
    except StorageProblem as why:
        return _not_now(request, build, why)
    name = f"{build.revision.agent.handle}-{build.revision.number}.zip"
    response = _sent(
        request, archive.stream(entries), content_type="application/zip", name=name, tag=f"zip-{sums}"
    )
    if _hands_out(request, response):
        record(Action.BUILD_DOWNLOADED, owner=build.owner_id, subject=build, sha256=sums)
    return response


@require_safe
def build_file(request: Request, pk: int, name: str) -> HttpResponseBase:
    """Send one file of a build, by its path among them, or lead to where a shared storage hands it out."""
    target, _, plain = name.rpartition("/")
    build = build_of(request, pk)
    if name in build.expired_files:
        return gone(request, build)
    file: Artifact = get_object_or_404(build.artifacts, target=target or PLUGIN, name=plain)
    try:
        leases.take([file.sha256])
        response = _handed_out(request, file)
    except StorageProblem as why:
        return _not_now(request, build, why)
    if _hands_out(request, response):
        record(Action.FILE_DOWNLOADED, owner=file.owner_id, subject=file, sha256=file.sha256)
    return response


def _handed_out(request: Request, file: Artifact) -> HttpResponseBase:
    elsewhere = storage.signed_url(file.sha256, file.name)
    if elsewhere is not None:
        response: HttpResponseBase = HttpResponseRedirect(elsewhere)
        # The address is good for a short time, and whoever has it needs no sign-in.
        response["Cache-Control"] = "private, no-store"
        response["Referrer-Policy"] = "no-referrer"
        return response
    pieces = _pieces(storage.local_copy(file.sha256))
    response = _sent(
        request, pieces, content_type="application/octet-stream", name=file.name, tag=file.sha256
    )
    if response.status_code == 200:
        response["Content-Length"] = str(file.size)
    return response


def gone(request: Request, build: Build) -> HttpResponse:
    """Answer for files that were removed: the same build again gives the same ones."""
    if wants_json(request):
        again = reverse("builds:retry", args=[build.pk])
        told = f"The files of build {build.pk} were removed. POST {again} builds them again, byte for byte."
        return problem(410, told)
    context = {"build": build, "agent": build.revision.agent, "tab": "builds"}
    return render(request, "builds/build_expired.html", context, status=410)


def _not_now(request: Request, build: Build, why: StorageProblem) -> HttpResponse:
    if isinstance(why, FileMissing):
        return gone(request, build)
    if wants_json(request):
        return problem(503, str(why))
    messages.error(request, str(why))
    return redirect(build)


def _hands_out(request: Request, response: HttpResponseBase) -> bool:
    return request.method == "GET" and response.status_code in (200, 302)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as content:
        while piece := content.read(_PIECE):
            yield piece


def _sent(
    request: Request, pieces: Iterator[bytes], *, content_type: str, name: str, tag: str
) -> HttpResponseBase:
    """Send bytes as a download under their strong ETag; who has them already gets 304."""
    asked = {part.strip() for part in request.headers.get("If-None-Match", "").split(",")}
    response: HttpResponseBase
    if asked & {f'"{tag}"', "*"}:
        response = HttpResponseNotModified()
    else:
        response = streamed(request, pieces, content_type)
        response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or ""
    response["ETag"] = f'"{tag}"'
    response["Cache-Control"] = "private, no-cache"
    return response
