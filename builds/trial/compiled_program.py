"""The program that answers for a build: its host and plugin, on this machine."""

from __future__ import annotations

import json

from builds.artifacts import leases, storage
from builds.artifacts.errors import FileMissing
from builds.errors import BuildError
from builds.models import PLUGIN, Artifact, Build
from builds.package import assembly
from configs.keys.agent_environment import environment_of

from .agent_run import Program

_FILES_MISSING = "The files of this build are missing or damaged. Compile the agent again to restore them."


def compiled_program(build: Build | None) -> tuple[Program, dict[str, str]]:
    """Return a build's program and the environment with its keys.

    Raises BuildError if the build or its files are gone, and KeyProblem.
    """
    if build is None:
        raise BuildError("The build that was to answer has been deleted. Compile the agent again.")
    files = {file.name: file.sha256 for file in Artifact.objects.filter(build=build, target=PLUGIN)}
    document = build.revision.canonical_json
    names = (assembly.HOST, assembly.plugin_name(json.loads(document)["identity"]["handle"]))
    if not all(name in files for name in names):
        raise BuildError(_FILES_MISSING)
    try:
        leases.acquire(files[name] for name in names)
        host, plugin = (storage.local_copy(files[name]) for name in names)
    except FileMissing as missing:
        raise BuildError(_FILES_MISSING) from missing
    return Program(host, plugin, document), environment_of(build.revision)
