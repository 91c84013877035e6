"""Download the files of a build, one by one or as a zip."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from http import HTTPStatus
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
from agentforge.problems import problem as problem_response
from agentforge.streaming import streamed
from builds.artifacts import leases, storage
from builds.artifacts.errors import FileMissing, StorageProblem
from builds.models import PLUGIN, Artifact, Build
from builds.package import archive, assembly

from . import ranges
from .pages import build_of

_PIECE = 256 * 1024


@require_safe
def build_download(request: Request, pk: int) -> HttpResponseBase:
    """Send all files of a build as a reproducible zip."""
    build = build_of(request, pk)
    files = list(build.artifacts.all())
    if build.expired_at is not None:
        return _gone(request, build)
    if not files:
        raise Http404("This build has no files.")
    listing = "".join(f"{file.path} {file.sha256}\n" for file in files)
    digest = hashlib.sha256(listing.encode()).hexdigest()
    try:
        leases.acquire(file.sha256 for file in files)
        entries = [_entry(file) for file in files]
    except StorageProblem as problem:
        return _unavailable(request, build, problem)
    name = f"{build.revision.agent.handle}-{build.revision.number}.zip"
    response = _attachment(
        request, archive.stream(entries), content_type="application/zip", name=name, tag=f'"stored-{digest}"'
    )
    if response.status_code == HTTPStatus.OK:
        response["Content-Length"] = str(archive.size_of(entries))
    if _is_download(request, response):
        record(Action.BUILD_DOWNLOADED, owner=build.owner_id, subject=build, sha256=digest)
    return response


@require_safe
def build_file(request: Request, pk: int, name: str) -> HttpResponseBase:
    """Send one file of a build, or redirect to a signed URL of a shared storage."""
    target, _, plain = name.rpartition("/")
    build = build_of(request, pk)
    if name in build.expired_files:
        return _gone(request, build)
    file: Artifact = get_object_or_404(build.artifacts, target=target or PLUGIN, name=plain)
    try:
        leases.acquire([file.sha256])
        response = _file_response(request, file)
    except StorageProblem as problem:
        return _unavailable(request, build, problem)
    if _is_download(request, response):
        record(Action.FILE_DOWNLOADED, owner=file.owner_id, subject=file, sha256=file.sha256)
    return response


def _entry(file: Artifact) -> archive.Entry:
    copy = storage.local_copy(file.sha256)
    return archive.Entry(file.path, copy, file.size, assembly.is_executable(file.name))


def _file_response(request: Request, file: Artifact) -> HttpResponseBase:
    url = storage.signed_url(file.sha256, file.name)
    if url is not None:
        response: HttpResponseBase = HttpResponseRedirect(url)
        # The URL works without signing in, so it must not be cached or leak as a referrer.
        response["Cache-Control"] = "private, no-store"
        response["Referrer-Policy"] = "no-referrer"
        return response
    return _partial(request, storage.local_copy(file.sha256), file)


def _partial(request: Request, path: Path, file: Artifact) -> HttpResponseBase:
    """Send a file or the range that was asked for, so that an interrupted download can be resumed."""
    tag, media = f'"{file.sha256}"', "application/octet-stream"
    try:
        part = ranges.requested(request, tag, file.size)
    except ranges.Unsatisfiable:
        part = range(0)
    whole = range(file.size)
    response = _attachment(request, _pieces(path, part or whole), content_type=media, name=file.name, tag=tag)
    if response.status_code == 200:
        response["Accept-Ranges"] = "bytes"
        response["Content-Length"] = str(len(part or whole))
        if part:
            response.status_code = 206
            response["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{file.size}"
        elif part is not None:
            response = problem_response(416, f"The file has {file.size} bytes; the range begins after them.")
            response["Content-Range"] = f"bytes */{file.size}"
    return response


def _gone(request: Request, build: Build) -> HttpResponse:
    if wants_json(request):
        url = reverse("builds:retry", args=[build.pk])
        detail = f"The files of build {build.pk} were removed. POST {url} to get the same bytes again."
        return problem_response(410, detail)
    context = {"build": build, "agent": build.revision.agent, "tab": "builds"}
    return render(request, "builds/build_expired.html", context, status=410)


def _unavailable(request: Request, build: Build, problem: StorageProblem) -> HttpResponse:
    if isinstance(problem, FileMissing):
        return _gone(request, build)
    if wants_json(request):
        return problem_response(503, str(problem))
    messages.error(request, str(problem))
    return redirect(build)


def _is_download(request: Request, response: HttpResponseBase) -> bool:
    return request.method == "GET" and response.status_code in (200, 206, 302)


def _pieces(path: Path, part: range) -> Iterator[bytes]:
    with path.open("rb") as content:
        content.seek(part.start)
        left = len(part)
        while left and (piece := content.read(min(left, _PIECE))):
            left -= len(piece)
            yield piece


def _attachment(
    request: Request, pieces: Iterator[bytes], *, content_type: str, name: str, tag: str
) -> HttpResponseBase:
    """Send bytes as a download with a strong entity tag, or what the request's conditions demand instead."""
    status = ranges.precondition(request, tag)
    response: HttpResponseBase
    if status == HTTPStatus.NOT_MODIFIED:
        response = HttpResponseNotModified()
    elif status is not None:
        response = problem_response(status, "The file is not the one that If-Match names.")
    else:
        response = streamed(request, pieces, content_type)
        response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or ""
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    return response
