"""A build's status changes: one conditional update each, published on its streams in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from agentforge.live import streams
from agentforge.telemetry import jobs as job_log
from builds.announcements import announce_build
from builds.artifacts import retention
from builds.models import Artifact, Build, BuildStatus, BuildTarget
from builds.queue import fairness, jobs, position
from builds.remote import records

from .outcome import Outcome

# A build whose worker died is restarted until it has had this many attempts.
MOST_ATTEMPTS = 2
_OPEN = (BuildStatus.QUEUED, BuildStatus.RUNNING)
SuccessHandler = Callable[[Build], None]
_success_handlers: list[SuccessHandler] = []


def register_success(handler: SuccessHandler) -> SuccessHandler:
    """Let another app act on each build that succeeds, in the transaction of its end."""
    _success_handlers.append(handler)
    return handler


@dataclass(frozen=True)
class Claim:
    """What a worker needs of a build that it claimed; `targets` are the unfinished ones."""

    build_id: int
    job_id: int
    owner_id: UUID
    agent_id: int
    stream: str
    document: str
    targets: Sequence[str]
    attempt: int

    @classmethod
    def of(cls, build: Build, job_id: int, targets: Sequence[str]) -> Claim:
        return cls(
            build_id=build.pk,
            job_id=job_id,
            owner_id=build.owner_id,
            agent_id=build.revision.agent_id,
            stream=build.stream_name,
            document=build.revision.canonical_json,
            targets=targets,
            attempt=build.attempts,
        )


def claim(build_id: int, job_id: int, *, again: bool = False) -> Claim | None:
    """Start the queued build of this job, and its unfinished targets, which run at the same time.

    Returns None if another job owns the build, if it is finished, or if its owner's limit of running builds
    is reached. `again` says that an earlier call may have taken effect: then its claim counts.
    """
    now = timezone.now()
    with transaction.atomic():
        if again and (build := _locked(build_id, job_id, BuildStatus.RUNNING)):
            running = build.per_target.filter(status=BuildStatus.RUNNING)
            return Claim.of(build, job_id, tuple(running.values_list("target", flat=True)))
        mine = Build.objects.filter(pk=build_id, job_id=job_id, status=BuildStatus.QUEUED)
        build = mine.select_related("revision").first()
        if build is None:
            return None
        if fairness.defer_over_limit(build):
            position.publish_later()
            return None
        build.attempts += 1
        if not mine.update(status=BuildStatus.RUNNING, started_at=now, attempts=build.attempts):
            return None
        queued = build.per_target.filter(status=BuildStatus.QUEUED)
        targets = tuple(queued.values_list("target", flat=True))
        queued.update(status=BuildStatus.RUNNING, started_at=now)
        started = [_target_record(name, BuildStatus.RUNNING) for name in targets]
        _publish(build, BuildStatus.RUNNING, *started, epoch=job_id)
        position.publish_later()
        job_log.started(
            "build",
            build.pk,
            request_id=build.request_id,
            enqueued_at=build.created_at,
            attempt=build.attempts,
        )
    return Claim.of(build, job_id, targets)


def set_input_digest(claim: Claim, name: str, digest: str) -> None:
    """Record a running target's digest, so that a build waiting for the same inputs can name this one."""
    running = BuildTarget.objects.filter(build_id=claim.build_id, target=name, status=BuildStatus.RUNNING)
    running.update(input_digest=digest)


def finish_target(claim: Claim, name: str, outcome: Outcome, *, last: bool = False) -> bool:
    """Finish one target and create its artifacts, in one transaction.

    With `last`, nothing more is written into the log: the build ends too. Returns False, without a change, if
    this job no longer owns the running build.
    """
    with transaction.atomic():
        build = _locked(claim.build_id, claim.job_id, BuildStatus.RUNNING)
        running = BuildTarget.objects.filter(build=build, target=name, status=BuildStatus.RUNNING)
        if build is None or not running.update(
            status=outcome.status, finished_at=timezone.now(), **outcome.facts.columns()
        ):
            return False
        rows = [
            Artifact(owner_id=build.owner_id, build=build, target=name, **vars(artifact))
            for artifact in outcome.artifacts
        ]
        Artifact.objects.bulk_create(rows)
        record = _target_record(name, outcome.status)
        if last:
            _conclude(build, record)
        else:
            streams.publish(claim.stream, record)
    return True


def conclude(build_id: int, job_id: int) -> bool:
    """Finish a build whose targets are finished: it succeeded if all of them did.

    Returns False, without a change, if this job no longer owns the running build.
    """
    with transaction.atomic():
        build = _locked(build_id, job_id, BuildStatus.RUNNING)
        if build is None:
            return False
        _conclude(build)
    return True


def _conclude(build: Build, *records: dict[str, object]) -> None:
    """Finish a locked build whose targets are finished; `records` come before its own in the log."""
    targets: list[BuildTarget] = list(build.per_target.all())
    failed = [each for each in targets if each.status != BuildStatus.SUCCEEDED]
    single = len(targets) == 1
    error = "\n".join(each.error if single else f"{each.target}: {each.error}" for each in failed)
    _end(build, BuildStatus.FAILED if failed else BuildStatus.SUCCEEDED, error, targets, {}, records)


def finish(
    build_id: int,
    job_id: int | None,
    status: BuildStatus,
    *,
    was: BuildStatus = BuildStatus.RUNNING,
    error: str = "",
    outcomes: Mapping[str, Outcome] | None = None,
) -> bool:
    """Finish a build and its unfinished targets, and close its log, in one transaction.

    `outcomes` hold what is known about those targets. Returns False, without a change, if the build no longer
    has the status `was` and this job.
    """
    with transaction.atomic():
        build = _locked(build_id, job_id, was)
        if build is None:
            return False
        _end(build, status, error, build.per_target.all(), outcomes or {})
    return True


def _end(
    build: Build,
    status: BuildStatus,
    error: str,
    targets: Iterable[BuildTarget],
    outcomes: Mapping[str, Outcome],
    last_records: Sequence[dict[str, object]] = (),
) -> None:
    """Finish a locked build, those of its targets that are unfinished, and its log."""
    now = timezone.now()
    build.status, build.error = status, error
    build.finished_at, build.expires_at = now, retention.expiry(now)
    build.save(update_fields=["status", "finished_at", "error", "expires_at"])
    for row in targets:
        if row.status in _OPEN:
            facts = outcomes.get(row.target, Outcome()).facts
            columns = {"error": error, **facts.columns()}
            BuildTarget.objects.filter(pk=row.pk).update(status=status, finished_at=now, **columns)
    streams.close_stream(build.stream_name, *last_records, _status_record(build, status))
    _announce(build, status)
    records.delete_received_for(build.pk)
    if status == BuildStatus.SUCCEEDED:
        for handle in _success_handlers:
            handle(build)
    _advance_queue(build.owner_id)
    job_log.ended("build", build.pk, status, request_id=build.request_id, began_at=build.started_at)


def requeue(
    build_id: int,
    job_id: int,
    *,
    why: str,
    was: BuildStatus = BuildStatus.RUNNING,
    attempt_counts: bool = True,
) -> bool:
    """Enqueue an unfinished build again and mark that in its log; finished targets stay finished.

    Returns False, without a change, if the build no longer has the status `was` and this job.
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
        running.update(status=BuildStatus.QUEUED, started_at=None, input_digest="")
        line = {"kind": "line", "stream": "sys", "text": f"— {why} —", "mark": True}
        streams.publish(build.stream_name, line)
        # Now, not only when the next worker claims it: the one that has it may only hang.
        _publish(build, BuildStatus.QUEUED, epoch=build.job_id)
        _advance_queue(build.owner_id)
        job_log.requeued("build", build.pk, why, request_id=build.request_id, attempts=build.attempts)
    return True


def _advance_queue(owner_id: UUID) -> None:
    """Promote the owner's next build after the commit, since that locks other builds' rows."""
    transaction.on_commit(lambda: fairness.promote_next(owner_id))
    position.publish_later()


def _locked(build_id: int, job_id: int | None, status: BuildStatus) -> Build | None:
    """Return the build if it has this job and status, locked until the transaction ends."""
    builds = Build.objects.filter(pk=build_id, job_id=job_id, status=status)
    build: Build | None = builds.select_for_update(of=("self",)).select_related("revision").first()
    return build


def _target_record(name: str, status: BuildStatus) -> dict[str, object]:
    return {"kind": "target", "target": name, "status": str(status)}


def _status_record(build: Build, status: BuildStatus) -> dict[str, object]:
    record: dict[str, object] = {"kind": "status", "status": str(status), "request_id": build.request_id}
    return {**record, "error": build.error} if build.error else record


def _publish(build: Build, status: BuildStatus, *more: dict[str, object], epoch: int | None = None) -> None:
    streams.publish(build.stream_name, _status_record(build, status), *more, epoch=epoch)
    _announce(build, status)


def _announce(build: Build, status: BuildStatus) -> None:
    announce_build(build.revision.agent_id, build.owner_id, build.pk, str(status))
