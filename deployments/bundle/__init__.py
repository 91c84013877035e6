"""Make the site of a deployed agent: a chat page, the function that answers it, downloads, strict rules.

A site is a function of its build and its settings: the same ones give the same bytes, so that an unchanged
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
from deployments.hosts.content_marker import MARK
from deployments.hosts.contents import Data, Stored
from deployments.hosts.selfhost import SelfHost
from deployments.hosts.selfhost.host import PUBLIC
from deployments.models import Deployment, Site

from . import pages, rules, server
from .function import zipped

FUNCTION_NAME = "agent"
BOOTSTRAP = "bootstrap"
DOWNLOADS = "files"


@dataclass(frozen=True)
class File:
    """Name one file of a site, or one function."""

    path: str
    content: Content
    sha256: str
    is_function: bool = False
    is_executable: bool = False


@dataclass(frozen=True)
class Bundle:
    """Hold a site's files; `sha256` stands for all of them, the mark aside."""

    files: tuple[File, ...]
    sha256: str


def make(deployment: Deployment) -> Bundle:
    """Return the site of a deployment.

    Raises DeployError when a file of its build is missing.
    """
    build = deployment.build
    if build is None:
        raise DeployError("The build of this deployment was deleted. Deploy another one.", "build-gone")
    return assemble(deployment.site, build)


def assemble(site: Site, build: Build) -> Bundle:
    """Return the site that a build makes with a site's settings.

    Raises DeployError when a file of the build is missing.
    """
    document = json.loads(build.revision.canonical_json)
    downloads = list(build.artifacts.filter(target="plugin")) if site.offers_download else []
    files = static_files(site, document, downloads)
    files += [_stored(file, f"{DOWNLOADS}/{file.name}") for file in downloads]
    mark = MARK
    if site.host == SelfHost.kind.code:
        mark = f"{PUBLIC}/{MARK}"
        files = [replace(file, path=f"{PUBLIC}/{file.path}") for file in files] + _server(site, build)
    else:
        files.append(_function(build))
    files.sort(key=lambda file: (file.is_function, file.path))
    told = "".join(f"{file.sha256} {int(file.is_function)} {file.path}\n" for file in files)
    digest = hashlib.sha256(told.encode()).hexdigest()
    # The access too: a program that is started without it keeps to what the site was made for.
    revision = build.revision
    says = {
        "content": digest,
        "revision": revision.number,
        "revision_sha256": revision.sha256,
        "access": site.access,
    }
    return Bundle((*files, _text(mark, json.dumps(says, sort_keys=True) + "\n")), digest)


def _server(site: Site, build: Build) -> list[File]:
    found = [_text(path, text) for path, text in server.papers(site, build).items()]
    found += [_stored(file, path) for path, file in server.programs(build).items()]
    return [replace(file, is_executable=file.path.startswith(server.PROGRAMS)) for file in found]


def static_files(site: Site, document: dict[str, object], downloads: list[Artifact]) -> list[File]:
    """Return the pages of a site, their parts, and its rules."""
    made = pages.make(site, document, downloads)
    made |= {"_headers": rules.headers(), "_redirects": rules.redirects(FUNCTION_NAME)}
    return [_text(path, text) for path, text in made.items()]


def _function(build: Build) -> File:
    found: Artifact | None = build.artifacts.filter(target=targets.FUNCTION, name=BOOTSTRAP).first()
    if found is None:
        raise DeployError(
            f"Build {build.pk} has no Netlify function. Compile the agent for it, then deploy that build.",
            "no-function",
        )
    data = zipped(_path(found).read_bytes())
    return File(FUNCTION_NAME, Data(data), hashlib.sha256(data).hexdigest(), is_function=True)


def _stored(file: Artifact, path: str) -> File:
    return File(path, Stored(_path(file), file.size), file.sha256)


def _path(file: Artifact) -> Path:
    try:
        return storage.local_copy(file.sha256)
    except FileMissing as error:
        told = f"The bytes of {file.name} are no longer kept. Retry the build: it gives the same ones."
        raise DeployError(told, "file-missing") from error


def _text(path: str, text: str) -> File:
    data = text.encode()
    return File(path, Data(data), hashlib.sha256(data).hexdigest())
