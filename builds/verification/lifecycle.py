"""Enqueue the verification of a build, and its transitions: queued, running, finished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.accounts.throttling.acts import Act, performs
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.live import streams
from agentforge.live.log import StreamMissing
from agentforge.queue import shares
from agentforge.telemetry import jobs as job_log
from agentforge.tenancy.rls import as_service
from builds.errors import NotPossible
from builds.models import Build, BuildStatus, BuildVerification
from builds.queue import fairness, jobs
from configs.announcements import announce_account

_OPEN = ("queued", "running")
# A page shows at most this many lines of a verification's log.
MOST_LINES = 300


@performs(Act.VERIFY)
def enqueue(build: Build, by: User) -> BuildVerification:
    """Create the verification of a build: row, stream and job in one transaction.

    Raises NotPossible when there are no files to compare, and during another verification.
    """
    with transaction.atomic(), as_service():
        Build.objects.select_for_update().get(pk=build.pk)
        if not build.per_target.filter(status=BuildStatus.SUCCEEDED).exists():
            raise NotPossible(f"Build {build.pk} has no files to compare with.")
        if build.verifications.filter(status__in=_OPEN).exists():
            raise NotPossible(f"Build {build.pk} is already being verified.")
        row: BuildVerification = BuildVerification.objects.create(owner_id=build.owner_id, build=build)
        streams.create_stream(row.stream_name, row.owner_id)
        streams.publish(row.stream_name, {"kind": "status", "status": row.status})
        # Among the builds, whose slots it takes.
        turn = fairness.next_turn(build.owner_id)
        row.job_id = shares.defer(
            jobs.VERIFICATIONS, jobs.VERIFY, build.owner_id, turn=turn, verification_id=row.pk
        )
        row.save(update_fields=["job_id"])
        record(Action.BUILD_VERIFY_ASKED, owner=build.owner_id, actor=by, subject=build)
        announce_account(build.owner_id)
    return row


def claim(pk: int, job_id: int) -> BuildVerification | None:
    """Start a queued verification; return None if it is finished or belongs to another job."""
    with transaction.atomic():
        waiting = BuildVerification.objects.filter(pk=pk, job_id=job_id, status="queued")
        if not waiting.update(status="running"):
            return None
        row: BuildVerification = BuildVerification.objects.select_related("build__revision").get(pk=pk)
        streams.publish(row.stream_name, {"kind": "status", "status": "running"})
        job_log.started("verification", pk, request_id=row.request_id, enqueued_at=row.created_at)
    return row


def finish(pk: int, job_id: int, status: str, findings: Sequence[str]) -> bool:
    """Finish a verification and close its log; return False when it has finished already."""
    with transaction.atomic():
        unfinished = BuildVerification.objects.filter(pk=pk, job_id=job_id, status__in=_OPEN)
        if not unfinished.update(status=status, findings=list(findings), finished_at=timezone.now()):
            return False
        name = f"verification-{pk}"
        streams.publish(name, {"kind": "status", "status": status})
        streams.close_stream(name)
        row: BuildVerification = BuildVerification.objects.get(pk=pk)
        job_log.ended("verification", pk, status, request_id=row.request_id, began_at=row.created_at)
    return True


@dataclass(frozen=True)
class VerificationReport:
    """A verification and the last lines of its log, read up to `position`."""

    row: BuildVerification
    lines: list[str]
    position: int


def newest(build: Build) -> VerificationReport | None:
    """Return the newest verification of a build."""
    row: BuildVerification | None = build.verifications.first()
    if row is None:
        return None
    lines: list[str] = []
    position = 0
    try:
        for seq, entry in streams.read(row.stream_name):
            position = seq
            if entry["kind"] == "line":
                lines.append(entry["text"])
    except StreamMissing:
        # The log was pruned; the findings stay.
        lines = []
    return VerificationReport(row, lines[-MOST_LINES:], position)
