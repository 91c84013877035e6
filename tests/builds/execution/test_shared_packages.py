"""What agents share is compiled once for all of them, and the bytes stay those of a plain `go build`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from agentforge.accounts.models import User
from builds.artifacts import storage
from builds.compiler import inputs, sources
from builds.compiler.go_command import cache_directory
from builds.models import Build
from builds.reports import transcript
from builds.services import enqueue_build
from configs.models import AgentConfig

DIRECTLY = "Its steps are known, so they are taken directly: compile, link."

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_next_agent_compiles_only_what_is_its_own(
    agent: AgentConfig, alice: User, work: Callable[[], None], own_plan: None, tmp_path: Path
) -> None:
    for change in ({"description": "The first."}, {"description": "The next.", "tools": ["calculator"]}):
        AgentConfig.objects.filter(pk=agent.pk).update(**change)
        build = enqueue_build(agent, by=alice)
        work()
        build.refresh_from_db()
        assert build.status == "succeeded", build.error
    gathered = inputs.gather(build.revision.canonical_json)
    assert _packages(build) == [gathered.module, f"{gathered.module}/plugin"]
    assert DIRECTLY in _texts(build)
    stored = storage.path_of(build.artifacts.get(name="ada.so").sha256)
    assert stored.read_bytes() == _plainly_built(gathered, tmp_path)


def _packages(build: Build) -> list[str]:
    """Return the packages that Go compiled for a build."""
    return [text for text in _texts(build) if text.startswith("agent.local/") and " " not in text]


def _texts(build: Build) -> list[str]:
    return [str(line["text"]) for line in transcript(build).lines]


def _plainly_built(gathered: inputs.Inputs, directory: Path) -> bytes:
    tree, home = directory / "agent", directory / "home"
    tree.mkdir()
    home.mkdir()
    sources.lay_out_agent(
        tree, gathered.sources, target="plugin", module=gathered.module, document=gathered.document
    )
    chain = gathered.toolchain
    command = [chain.go_command, "build", "-buildmode=plugin", "-trimpath", "-buildvcs=false"]
    command += ["-ldflags=-s -w -buildid=", "-o", str(home / "plain.so"), "./plugin"]
    subprocess.run(command, cwd=tree, env=chain.environment(cache=cache_directory(), home=home), check=True)
    return (home / "plain.so").read_bytes()
