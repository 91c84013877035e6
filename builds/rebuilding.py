"""Choose the builds to make again, and ask for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery

from . import compiler
from .models import Build, BuildStatus
from .recovery import DEAD_AFTER
from .services import enqueue_revision

_ALIVE = """
SELECT EXISTS (
    SELECT FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %s)
)
"""


@dataclass(frozen=True)
class Candidate:
    """Name an agent's newest build that succeeded, and whether the same would be built now."""

    build: Build
    outdated: bool

    def __str__(self) -> str:
        revision = self.build.revision
        state = "outdated" if self.outdated else "current"
        return f"{revision.agent.handle} ({revision.agent_id}): revision {revision.number}, {state}"


def candidates(agents: Iterable[int] | None) -> list[Candidate]:
    """Return the newest build of each of these agents, or of all of them.

    Raises ToolchainMissing where nothing can be built.
    """
    return [
        Candidate(build, build.input_digest != _digest_now(build)) for build in _newest(agents).iterator()
    ]


def _newest(agents: Iterable[int] | None) -> QuerySet[Build]:
    succeeded = Build.objects.filter(status=BuildStatus.SUCCEEDED)
    newest = succeeded.filter(revision__agent=OuterRef("revision__agent")).order_by("-pk").values("pk")[:1]
    chosen = succeeded.filter(pk=Subquery(newest)).select_related("revision__agent", "owner").order_by("pk")
    return chosen if agents is None else chosen.filter(revision__agent__in=agents)


def _digest_now(build: Build) -> str:
    return compiler.gather(build.revision.canonical_json, build.target).digest


def start(chosen: Iterable[Candidate]) -> list[Build]:
    """Enqueue the chosen builds again, for their owners."""
    return [
        enqueue_revision(candidate.build.revision, by=candidate.build.owner, target=candidate.build.target)
        for candidate in chosen
    ]


def worker_lives() -> bool:
    """Tell whether a worker gave a sign of life lately."""
    with connection.cursor() as cursor:
        cursor.execute(_ALIVE, [DEAD_AFTER])
        row = cursor.fetchone()
    return bool(row and row[0])
