"""The program that answers: a build's host and plugin, or the program for drafts."""

from __future__ import annotations

import json
from collections.abc import Callable

from agentforge.tenancy.threads import in_thread
from builds.artifacts import leases, storage
from builds.artifacts.errors import FileMissing
from builds.errors import BuildError
from builds.models import PLUGIN, Artifact, Build
from builds.package import assembly
from configs.keys.agent_environment import environment_of, environment_of_draft
from configs.knowledge.texts import texts_of
from configs.models import AgentConfig

from .agent_run import Program
from .draft_program import draft_index, draft_program

_FILES_MISSING = "The files of this build are missing or damaged. Compile the agent again to restore them."


async def program_of(
    agent: AgentConfig,
    build: Build | None,
    document: str,
    on_wait: Callable[[str], None] = lambda words: None,
) -> tuple[Program, dict[str, str]]:
    """Return the program that answers for a draft's document, or without one for a build, and its keys.

    The keys are an environment. `on_wait` hears of the program for drafts if it has to be compiled. Raises
    BuildError if the build or its files are gone, or nothing can be compiled here, and KeyProblem.
    """
    if not document:
        return await in_thread(_program_of_build, build)
    host = await draft_program(on_wait)
    texts = await in_thread(texts_of, agent.pk, document)
    index = await draft_index(document, texts)
    environment = await in_thread(environment_of_draft, agent, document)
    return Program(host, None, document, index), environment


def _program_of_build(build: Build | None) -> tuple[Program, dict[str, str]]:
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
