"""The site of a deployed agent: a chat page, the function that answers it, downloads, security headers.

A site is a function of its build and its settings: the same input gives the same bytes, so that an unchanged
site is deployed again without an upload.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

from builds.artifacts import storage
from builds.artifacts.errors import FileMissing
from builds.compiler import targets
from builds.models import Artifact, Build
from deployments.errors import DeployError
from deployments.hosts.base import Content
from deployments.hosts.content_marker import MARKER
from deployments.hosts.contents import Data, Stored
from deployments.hosts.registry import SELF_HOST
from deployments.hosts.selfhost.host import PUBLIC
from deployments.models import Deployment, Site

from . import pages, rules, server
from .function import zip_function

FUNCTION_NAME = "agent"
BOOTSTRAP = "bootstrap"
DOWNLOADS = "files"


@dataclass(frozen=True)
class File:
    """A file or function of a site."""

    path: str
    content: Content
    sha256: str
    is_function: bool = False
    is_executable: bool = False


@dataclass(frozen=True)
class Bundle:
    """A site's files; `sha256` covers all of them except the content marker."""

    files: tuple[File, ...]
    sha256: str


def for_deployment(deployment: Deployment) -> Bundle:
    """Return the site of a deployment.

    Raises DeployError when a file of its build is missing.
    """
    build = deployment.build
    if build is None:
        raise DeployError("The build of this deployment was deleted. Deploy another one.", "build-gone")
    return assemble(deployment.site, build)


def assemble(site: Site, build: Build) -> Bundle:
    """Return the site made of a build and a site's settings.

    Raises DeployError when a file of the build is missing.
    """
    document = json.loads(build.revision.canonical_json)
    downloads = list(build.artifacts.filter(target="plugin")) if site.offers_download else []
    files = static_files(site, document, downloads)
    files += [_stored(file, f"{DOWNLOADS}/{file.name}") for file in downloads]
    marker_path = MARKER
    if site.host == SELF_HOST:
        marker_path = f"{PUBLIC}/{MARKER}"
        files = [replace(file, path=f"{PUBLIC}/{file.path}") for file in files] + _server(site, build)
    else:
        files.append(_function(build))
    files.sort(key=lambda file: (file.is_function, file.path))
    listing = "".join(f"{file.sha256} {int(file.is_function)} {file.path}\n" for file in files)
    digest = hashlib.sha256(listing.encode()).hexdigest()
    revision = build.revision
    marker = {
        "content": digest,
        "revision": revision.number,
        "revision_sha256": revision.sha256,
        # A program that is started without AGENT_ACCESS applies this one.
        "access": site.access,
    }
    return Bundle((*files, _text(marker_path, json.dumps(marker, sort_keys=True) + "\n")), digest)


def _server(site: Site, build: Build) -> list[File]:
    files = [_text(path, text) for path, text in server.instructions(site, build).items()]
    files += [_stored(file, path) for path, file in server.programs(build).items()]
    return [replace(file, is_executable=file.path.startswith(server.PROGRAMS)) for file in files]


def static_files(site: Site, document: dict[str, object], downloads: list[Artifact]) -> list[File]:
    """Return a site's pages and assets, and its Netlify rules."""
    texts = pages.render(site, document, downloads)
    texts |= {"_headers": rules.headers(), "_redirects": rules.redirects(FUNCTION_NAME)}
    return [_text(path, text) for path, text in texts.items()]


def _function(build: Build) -> File:
    function: Artifact | None = build.artifacts.filter(target=targets.FUNCTION, name=BOOTSTRAP).first()
    if function is None:
        raise DeployError(
            f"Build {build.pk} has no Netlify function. Compile the agent for it, then deploy that build.",
            "no-function",
        )
    data = zip_function(_path(function).read_bytes())
    return File(FUNCTION_NAME, Data(data), hashlib.sha256(data).hexdigest(), is_function=True)


def _stored(file: Artifact, path: str) -> File:
    return File(path, Stored(_path(file), file.size), file.sha256)


def _path(file: Artifact) -> Path:
    try:
        return storage.local_copy(file.sha256)
    except FileMissing as error:
        message = f"{file.name} is no longer stored. Retry the build: it gives the same bytes."
        raise DeployError(message, "file-missing") from error


def _text(path: str, text: str) -> File:
    data = text.encode()
    return File(path, Data(data), hashlib.sha256(data).hexdigest())
