"""Ask for the verification of a build, and write down how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.live import streams
from agentforge.live.log import StreamMissing
from agentforge.tenancy.rls import as_service
from builds.errors import NotPossible
from builds.models import Build, BuildStatus, BuildVerification
from builds.queue import jobs

_OPEN = ("queued", "running")
# So many lines of a verification's log are on the page.
MOST_LINES = 300


def ask(build: Build, by: User) -> BuildVerification:
    """Enqueue the verification of a build: row, stream and job in one transaction.

    Raises NotPossible without files to compare with, and while another verification goes on.
    """
    with transaction.atomic(), as_service():
        Build.objects.select_for_update().get(pk=build.pk)
        if not build.per_target.filter(status=BuildStatus.SUCCEEDED).exists():
            raise NotPossible(f"Build {build.pk} has no files to compare with.")
        if build.verifications.filter(status__in=_OPEN).exists():
            raise NotPossible(f"Build {build.pk} is being verified already.")
        made: BuildVerification = BuildVerification.objects.create(owner_id=build.owner_id, build=build)
        streams.create_stream(made.stream_name, made.owner_id)
        streams.publish(made.stream_name, {"kind": "status", "status": made.status})
        made.job_id = jobs.defer(jobs.VERIFY, verification_id=made.pk)
        made.save(update_fields=["job_id"])
        record(Action.BUILD_VERIFY_ASKED, owner=build.owner_id, actor=by, subject=build)
    return made


def claim(pk: int, job_id: int) -> BuildVerification | None:
    """Turn a waiting verification of this job into a running one; None when it is over."""
    with transaction.atomic():
        waiting = BuildVerification.objects.filter(pk=pk, job_id=job_id, status="queued")
        if not waiting.update(status="running"):
            return None
        found: BuildVerification = BuildVerification.objects.select_related("build__revision").get(pk=pk)
        streams.publish(found.stream_name, {"kind": "status", "status": "running"})
    return found


def finish(pk: int, job_id: int, status: str, findings: Sequence[str]) -> bool:
    """End a verification and its log; False when it is over already."""
    with transaction.atomic():
        present = BuildVerification.objects.filter(pk=pk, job_id=job_id, status__in=_OPEN)
        if not present.update(status=status, findings=list(findings), finished_at=timezone.now()):
            return False
        name = f"verification-{pk}"
        streams.publish(name, {"kind": "status", "status": status})
        streams.close_stream(name)
    return True


@dataclass(frozen=True)
class Shown:
    """Hold a verification with what its page shows of its log, up to `position`."""

    row: BuildVerification
    lines: list[str]
    position: int


def newest(build: Build) -> Shown | None:
    """Return the newest verification of a build."""
    found: BuildVerification | None = build.verifications.first()
    if found is None:
        return None
    lines: list[str] = []
    position = 0
    try:
        for seq, entry in streams.read(found.stream_name):
            position = seq
            if entry["kind"] == "line":
                lines.append(entry["text"])
    except StreamMissing:
        # A log has its own life and is pruned by age; what was found stays.
        lines = []
    return Shown(found, lines[-MOST_LINES:], position)
