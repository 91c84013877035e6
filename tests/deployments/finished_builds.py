"""Finished builds without a compiler: their function is a small ELF file."""

from __future__ import annotations

from agentforge.accounts.models import User
from builds.artifacts import storage
from builds.models import Artifact, Build, BuildStatus
from configs.models import AgentConfig
from configs.revisions import create_revision

ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00"


def build_of(agent: AgentConfig, owner: User, marker: str = "one") -> Build:
    """Return a finished build with a plugin and a function."""
    build: Build = Build.objects.create(
        owner=owner,
        revision=create_revision(agent),
        targets=["plugin", "function"],
        status=BuildStatus.SUCCEEDED,
    )
    add_files(build, {"bootstrap": ELF + marker.encode()}, "function")
    add_files(build, {"ada.so": b"plugin " + marker.encode() * 1000, "SHA256SUMS": b"sums"})
    return build


def add_files(build: Build, files: dict[str, bytes], target: str = "plugin") -> None:
    """Add files to a build."""
    for name, data in files.items():
        Artifact.objects.create(
            owner_id=build.owner_id,
            build=build,
            target=target,
            name=name,
            sha256=storage.put(data),
            size=len(data),
        )
