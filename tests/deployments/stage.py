"""Make what a deployment needs without a compiler: a build whose function is a small ELF file."""

from __future__ import annotations

from agentforge.accounts.models import User
from builds import storage
from builds.models import Artifact, Build, BuildStatus
from configs.models import AgentConfig
from configs.revisions import create_revision

ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00"


def build_of(agent: AgentConfig, owner: User, marker: str = "one") -> Build:
    """Return a finished build with the targets plugin and function."""
    build: Build = Build.objects.create(
        owner=owner,
        revision=create_revision(agent),
        targets=["plugin", "function"],
        status=BuildStatus.SUCCEEDED,
    )
    for target, name, data in (
        ("function", "bootstrap", ELF + marker.encode()),
        ("plugin", "ada.so", b"plugin " + marker.encode() * 1000),
        ("plugin", "SHA256SUMS", b"sums"),
    ):
        sha256 = storage.put(data)
        Artifact.objects.create(
            owner=owner, build=build, target=target, name=name, sha256=sha256, size=len(data)
        )
    return build
