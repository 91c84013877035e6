"""What a worker learns about the targets of a build, and how it maps to columns."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from builds.models import BuildStatus


@dataclass(frozen=True)
class StoredArtifact:
    """One stored file of a target; the fields are columns of Artifact."""

    name: str
    sha256: str
    size: int


@dataclass(slots=True)
class TargetFacts:
    """What is known about a target so far; the fields are columns of BuildTarget."""

    input_digest: str = ""
    from_cache: bool = False
    builder: str = ""
    builder_reason: str = ""
    sandbox: str = ""
    toolchain: dict[str, object] = field(default_factory=dict)
    steps: list[dict[str, object]] = field(default_factory=list)
    exit_code: int | None = None
    error: str = ""

    def columns(self) -> dict[str, object]:
        """Return the values of the known facts; columns of unknown ones stay as they are."""
        unknown = asdict(TargetFacts())
        return {name: value for name, value in asdict(self).items() if value != unknown[name]}


@dataclass(slots=True)
class Outcome:
    """The result of one target, filled in while it is built."""

    status: BuildStatus = BuildStatus.FAILED
    artifacts: list[StoredArtifact] = field(default_factory=list)
    facts: TargetFacts = field(default_factory=TargetFacts)
    # A cancelled remote builder did not confirm that its compiler is dead.
    cancel_unconfirmed: bool = False
