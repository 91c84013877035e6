"""Change a build's status: one conditional update each, said on its streams in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from agentforge.live import streams

from . import jobs
from .announcements import announce_build
from .models import Artifact, Build, BuildStatus

# A build whose worker died is started again until this many attempts were made.
MOST_ATTEMPTS = 2


@dataclass(frozen=True)
class Claim:
    """Hold what the worker that won a build needs of it."""

    build_id: int
    job_id: int
    owner_id: UUID
    agent_id: int
    stream: str
    document: str
    target: str
    attempt: int


@dataclass(frozen=True)
class Stored:
    """Name one stored file of a build."""

    name: str
    sha256: str
    size: int


def claim(build_id: int, job_id: int) -> Claim | None:
    """Turn a queued build of this job into a running one; None when it is somebody else's or over."""
    with transaction.atomic():
        won = Build.objects.filter(pk=build_id, job_id=job_id, status=BuildStatus.QUEUED).update(
            status=BuildStatus.RUNNING, started_at=timezone.now(), attempts=F("attempts") + 1
        )
        if not won:
            return None
        build: Build = Build.objects.select_related("revision").get(pk=build_id)
        _say(build, BuildStatus.RUNNING)
    return Claim(
        build_id=build.pk,
        job_id=job_id,
        owner_id=build.owner_id,
        agent_id=build.revision.agent_id,
        stream=build.stream_name,
        document=build.revision.canonical_json,
        target=build.target,
        attempt=build.attempts,
    )


def finish(
    build_id: int,
    job_id: int | None,
    status: BuildStatus,
    *,
    was: BuildStatus = BuildStatus.RUNNING,
    artifacts: Sequence[Stored] = (),
    facts: Mapping[str, object] | None = None,
) -> bool:
    """End a build, with its artifacts and the end of its log, in one transaction.

    Returns False, and changes nothing, when the build is no longer `was` for this job.
    """
    with transaction.atomic():
        changed = Build.objects.filter(pk=build_id, job_id=job_id, status=was).update(
            status=status, finished_at=timezone.now(), **(facts or {})
        )
        if not changed:
            return False
        build: Build = Build.objects.select_related("revision").get(pk=build_id)
        rows = [Artifact(owner_id=build.owner_id, build=build, **vars(stored)) for stored in artifacts]
        Artifact.objects.bulk_create(rows)
        _say(build, status)
        streams.close_stream(build.stream_name)
    return True


def requeue(
    build_id: int,
    job_id: int,
    *,
    why: str,
    was: BuildStatus = BuildStatus.RUNNING,
    attempt_counts: bool = True,
) -> bool:
    """Give an unfinished build a new job, and say so in a marked line of its log.

    Returns False, and changes nothing, when the build is no longer `was` for this job.
    """
    with transaction.atomic():
        present = Build.objects.filter(pk=build_id, job_id=job_id, status=was)
        build: Build | None = present.select_for_update(of=("self",)).select_related("revision").first()
        if build is None:
            return False
        if was == BuildStatus.QUEUED:
            build.attempts += 1
        elif not attempt_counts:
            build.attempts -= 1
        build.job_id = jobs.defer(jobs.COMPILE, build_id=build.pk)
        build.status = BuildStatus.QUEUED
        build.save(update_fields=["attempts", "job_id", "status"])
        streams.publish(build.stream_name, {"kind": "line", "stream": "sys", "text": f"— {why} —"})
        _say(build, BuildStatus.QUEUED)
    return True


def _say(build: Build, status: BuildStatus) -> None:
    record: dict[str, object] = {"kind": "status", "status": str(status)}
    streams.publish(build.stream_name, {**record, "error": build.error} if build.error else record)
    announce_build(build.revision.agent_id, build.owner_id, build.pk, str(status))
