"""Hand out the files of a build, alone or as one zip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.http import Http404, HttpResponseBase, HttpResponseNotModified
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.requests import Request
from builds import archive, package, storage
from builds.models import Artifact
from builds.responses import streamed
from builds.views.pages import build_of

_PIECE = 256 * 1024


@require_safe
def build_download(request: Request, pk: int) -> HttpResponseBase:
    """Send all files of a build as one zip, whose bytes depend on the files alone."""
    build = build_of(request, pk)
    files = list(build.artifacts.all())
    sums = next((file.sha256 for file in files if file.name == package.SUMS), None)
    if sums is None:
        raise Http404("This build has no files.")
    entries = [(file.name, _path(file), file.name in package.EXECUTABLE) for file in files]
    name = f"{build.revision.agent.handle}-{build.revision.number}.zip"
    response = _sent(
        request, archive.stream(entries), content_type="application/zip", name=name, tag=f"zip-{sums}"
    )
    if _hands_out(request, response):
        record(Action.BUILD_DOWNLOADED, owner=build.owner_id, subject=build, sha256=sums)
    return response


@require_safe
def build_file(request: Request, pk: int, name: str) -> HttpResponseBase:
    """Send one file of a build."""
    file: Artifact = get_object_or_404(build_of(request, pk).artifacts, name=name)
    pieces = _pieces(_path(file))
    response = _sent(request, pieces, content_type="application/octet-stream", name=name, tag=file.sha256)
    if response.status_code == 200:
        response["Content-Length"] = str(file.size)
    if _hands_out(request, response):
        record(Action.FILE_DOWNLOADED, owner=file.owner_id, subject=file, sha256=file.sha256)
    return response


def _hands_out(request: Request, response: HttpResponseBase) -> bool:
    return request.method == "GET" and response.status_code == 200


def _path(file: Artifact) -> Path:
    path = storage.path_of(file.sha256)
    if not path.exists():
        raise Http404(
            f"The bytes of {file.name} are no longer kept. Retry the build: it gives the same ones."
        )
    return path


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
