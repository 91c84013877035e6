"""Find the builds to repeat, and enqueue them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery

from builds.compiler.inputs import gather
from builds.models import Build, BuildStatus
from builds.services import enqueue_revision


@dataclass(frozen=True)
class Candidate:
    """An agent's newest successful build; `outdated` means that building now would give other bytes."""

    build: Build
    outdated: bool

    def __str__(self) -> str:
        revision = self.build.revision
        state = "outdated" if self.outdated else "current"
        return f"{revision.agent.handle} ({revision.agent_id}): revision {revision.number}, {state}"


def candidates(agents: Iterable[int] | None) -> list[Candidate]:
    """Return the newest successful build of each of these agents; None means all agents.

    Raises ToolchainMissing when nothing can be compiled here.
    """
    return [Candidate(build, _is_outdated(build)) for build in _newest(agents).iterator(chunk_size=100)]


def _newest(agents: Iterable[int] | None) -> QuerySet[Build]:
    succeeded = Build.objects.filter(status=BuildStatus.SUCCEEDED, revision__agent__trashed_at=None)
    newest = succeeded.filter(revision__agent=OuterRef("revision__agent")).order_by("-pk").values("pk")[:1]
    chosen = (
        succeeded.filter(pk=Subquery(newest))
        .select_related("revision__agent", "owner")
        .prefetch_related("per_target")
        .order_by("pk")
    )
    return chosen if agents is None else chosen.filter(revision__agent__in=agents)


def _is_outdated(build: Build) -> bool:
    document = build.revision.canonical_json
    return any(each.input_digest != gather(document, each.target).digest for each in build.per_target.all())


def start(chosen: Iterable[Candidate]) -> list[Build]:
    """Enqueue builds of the same revisions and targets, for their owners."""
    return [
        enqueue_revision(candidate.build.revision, candidate.build.owner, candidate.build.targets)
        for candidate in chosen
    ]
