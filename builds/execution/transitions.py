"""Change a build's status: one conditional update each, said on its streams in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from agentforge.live import streams
from builds.announcements import announce_build
from builds.artifacts import retention
from builds.models import Artifact, Build, BuildStatus, BuildTarget
from builds.queue import fairness, jobs, position

from .outcome import Outcome

# A build whose worker died is started again until this many attempts were made.
MOST_ATTEMPTS = 2
_OPEN = (BuildStatus.QUEUED, BuildStatus.RUNNING)


@dataclass(frozen=True)
class Claim:
    """Hold what the worker that won a build needs of it; `targets` are those still to be made."""

    build_id: int
    job_id: int
    owner_id: UUID
    agent_id: int
    stream: str
    document: str
    targets: Sequence[str]
    attempt: int


def claim(build_id: int, job_id: int) -> Claim | None:
    """Turn a queued build of this job into a running one.

    Returns None when it is somebody else's or over, or when its owner has no room for one more.
    """
    with transaction.atomic():
        if fairness.defer_over_limit(build_id, job_id):
            return None
        won = Build.objects.filter(pk=build_id, job_id=job_id, status=BuildStatus.QUEUED).update(
            status=BuildStatus.RUNNING, started_at=timezone.now(), attempts=F("attempts") + 1
        )
        if not won:
            return None
        build: Build = Build.objects.select_related("revision").get(pk=build_id)
        left = build.per_target.filter(status=BuildStatus.QUEUED)
        targets = tuple(left.values_list("target", flat=True))
        _say(build, BuildStatus.RUNNING)
        position.publish_later()
    return Claim(
        build_id=build.pk,
        job_id=job_id,
        owner_id=build.owner_id,
        agent_id=build.revision.agent_id,
        stream=build.stream_name,
        document=build.revision.canonical_json,
        targets=targets,
        attempt=build.attempts,
    )


def start_target(claim: Claim, name: str) -> bool:
    """Turn a waiting target of a running build into a running one; False when the build is no longer his.

    Done twice, as after an answer that a lost connection swallowed, it is the same as done once.
    """
    with transaction.atomic():
        if not _locked(claim.build_id, claim.job_id, BuildStatus.RUNNING):
            return False
        left = BuildTarget.objects.filter(build_id=claim.build_id, target=name, status__in=_OPEN)
        return bool(left.update(status=BuildStatus.RUNNING, started_at=timezone.now()))


def set_input_digest(claim: Claim, name: str, digest: str) -> None:
    """Record the inputs of a running target, by which other builds find it."""
    running = BuildTarget.objects.filter(build_id=claim.build_id, target=name, status=BuildStatus.RUNNING)
    running.update(input_digest=digest)


def finish_target(claim: Claim, name: str, outcome: Outcome) -> bool:
    """End one target, with its artifacts, in one transaction.

    Returns False, and changes nothing, when the build no longer runs for this job.
    """
    with transaction.atomic():
        build = _locked(claim.build_id, claim.job_id, BuildStatus.RUNNING)
        running = BuildTarget.objects.filter(build=build, target=name, status=BuildStatus.RUNNING)
        if build is None or not running.update(
            status=outcome.status, finished_at=timezone.now(), **outcome.facts.columns()
        ):
            return False
        rows = [
            Artifact(owner_id=build.owner_id, build=build, target=name, **vars(stored))
            for stored in outcome.artifacts
        ]
        Artifact.objects.bulk_create(rows)
    return True


def conclude(build_id: int, job_id: int) -> bool:
    """End a build as its targets ended: succeeded when all of them did.

    Returns False, and changes nothing, when the build no longer runs for this job.
    """
    with transaction.atomic():
        build = _locked(build_id, job_id, BuildStatus.RUNNING)
        if build is None:
            return False
        ended: list[BuildTarget] = list(build.per_target.all())
        failed = [each for each in ended if each.status != BuildStatus.SUCCEEDED]
        if not failed:
            return finish(build_id, job_id, BuildStatus.SUCCEEDED)
        alone = len(ended) == 1
        told = "\n".join(each.error if alone else f"{each.target}: {each.error}" for each in failed)
        return finish(build_id, job_id, BuildStatus.FAILED, error=told)


def finish(
    build_id: int,
    job_id: int | None,
    status: BuildStatus,
    *,
    was: BuildStatus = BuildStatus.RUNNING,
    error: str = "",
    outcomes: Mapping[str, Outcome] | None = None,
) -> bool:
    """End a build, its unfinished targets and its log, in one transaction.

    `outcomes` hold what is known about those targets. Returns False, without a change, if the build is no
    longer in status `was` for this job.
    """
    now = timezone.now()
    with transaction.atomic():
        changed = Build.objects.filter(pk=build_id, job_id=job_id, status=was).update(
            status=status, finished_at=now, error=error, expires_at=retention.expiry(now)
        )
        if not changed:
            return False
        build: Build = Build.objects.select_related("revision").get(pk=build_id)
        for row in build.per_target.filter(status__in=_OPEN):
            facts = (outcomes or {}).get(row.target, Outcome()).facts
            columns = {"error": error, **facts.columns()}
            BuildTarget.objects.filter(pk=row.pk).update(status=status, finished_at=now, **columns)
        _say(build, status)
        streams.close_stream(build.stream_name)
        _make_room(build.owner_id)
    return True


def requeue(
    build_id: int,
    job_id: int,
    *,
    why: str,
    was: BuildStatus = BuildStatus.RUNNING,
    attempt_counts: bool = True,
) -> bool:
    """Give an unfinished build a new job, and say so in a marked line of its log; ended targets stay ended.

    Returns False, and changes nothing, when the build is no longer `was` for this job.
    """
    with transaction.atomic():
        build = _locked(build_id, job_id, was)
        if build is None:
            return False
        if was == BuildStatus.QUEUED:
            build.attempts += 1
        elif not attempt_counts:
            build.attempts -= 1
        build.job_id = jobs.defer_build(build.pk, build.turn)
        build.status = BuildStatus.QUEUED
        build.save(update_fields=["attempts", "job_id", "status"])
        running = build.per_target.filter(status=BuildStatus.RUNNING)
        running.update(status=BuildStatus.QUEUED, started_at=None)
        marked = {"kind": "line", "stream": "sys", "text": f"— {why} —", "mark": True}
        streams.publish(build.stream_name, marked)
        _say(build, BuildStatus.QUEUED)
        _make_room(build.owner_id)
    return True


def _make_room(owner_id: UUID) -> None:
    """Let what waits move up, once this transaction is committed: calling locks other builds' rows."""
    transaction.on_commit(lambda: fairness.promote_next(owner_id))
    position.publish_later()


def _locked(build_id: int, job_id: int, status: BuildStatus) -> Build | None:
    """Return the build if it is in that status for this job, locked until the transaction ends."""
    present = Build.objects.filter(pk=build_id, job_id=job_id, status=status)
    found: Build | None = present.select_for_update(of=("self",)).select_related("revision").first()
    return found


def _say(build: Build, status: BuildStatus) -> None:
    record: dict[str, object] = {"kind": "status", "status": str(status)}
    streams.publish(build.stream_name, {**record, "error": build.error} if build.error else record)
    announce_build(build.revision.agent_id, build.owner_id, build.pk, str(status))
