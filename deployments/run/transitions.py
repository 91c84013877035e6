"""Status changes of a deployment: one conditional update each, published in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from agentforge.live import streams
from agentforge.telemetry import jobs as job_log
from agentforge.telemetry import tally
from deployments import history
from deployments.announcements import announce_deployment
from deployments.models import Deployment, DeploymentStatus, Site

from . import jobs

# A deployment is resumed after its worker died until it had this many attempts; one more cancels it.
MAX_ATTEMPTS = 3


def claim(deployment_id: int, job_id: int, *, again: bool = False) -> Deployment | None:
    """Start the queued deployment of a job; None when the job no longer owns it or it is over.

    `again` says that an earlier call may have taken effect: then its claim counts.
    """
    owned = Deployment.objects.filter(pk=deployment_id, job_id=job_id)
    whole = owned.select_related("site__agent", "build", "revision", "owner")
    with transaction.atomic():
        mine: Deployment | None = whole.filter(status=DeploymentStatus.RUNNING).first() if again else None
        if mine is not None:
            return mine
        claimed = owned.filter(status=DeploymentStatus.QUEUED).update(
            status=DeploymentStatus.RUNNING, started_at=timezone.now(), attempts=F("attempts") + 1
        )
        if not claimed:
            return None
        deployment: Deployment = whole.get()
        _publish_status(deployment, DeploymentStatus.RUNNING, epoch=job_id)
        job_log.started(
            "deployment",
            deployment.pk,
            request_id=deployment.request_id,
            enqueued_at=deployment.created_at,
            attempt=deployment.attempts,
        )
    return deployment


def update_running(deployment: Deployment, **fields: object) -> bool:
    """Store fields of a running deployment, before the stage that needs them.

    Returns False, and changes nothing, when its job no longer owns it.
    """
    owned = Deployment.objects.filter(
        pk=deployment.pk, job_id=deployment.job_id, status=DeploymentStatus.RUNNING
    )
    for name, value in fields.items():
        setattr(deployment, name, value)
    return bool(owned.update(**fields))


def exists(deployment: Deployment) -> bool:
    """Return whether a deployment still has its row; deleting its agent deletes it."""
    return Deployment.objects.filter(pk=deployment.pk).exists()


def is_cancel_requested(deployment: Deployment) -> bool:
    return Deployment.objects.filter(pk=deployment.pk, cancel_asked=True).exists()


def finish(
    deployment: Deployment,
    status: DeploymentStatus,
    *,
    was: DeploymentStatus = DeploymentStatus.RUNNING,
    fields: Mapping[str, object] | None = None,
    live: bool = False,
) -> bool:
    """End a deployment and its log; `live`: its site shows it now.

    Returns False, and changes nothing, when its job no longer owns it or its status is not `was`.
    """
    now = timezone.now()
    with transaction.atomic():
        owned = Deployment.objects.filter(pk=deployment.pk, job_id=deployment.job_id, status=was)
        changes = {**(fields or {}), **({"published_at": now} if live else {})}
        if status == DeploymentStatus.SUCCEEDED:
            changes["replaced"] = history.replaced_revision(deployment)
        if not owned.update(status=status, finished_at=now, **changes):
            return False
        current: Deployment = Deployment.objects.get(pk=deployment.pk)
        if live:
            site = Site.objects.filter(pk=current.site_id)
            site.update(live_remote_id=current.remote_id, looked_at=now, problem="", answered_at=None)
        if status == DeploymentStatus.SUCCEEDED and current.cancel_asked:
            what = "the draft is there. Delete it" if current.draft else "the deploy is live. Roll back"
            _publish_highlight(current, f"The cancel came too late: {what} to undo it")
        _publish_status(current, status)
        streams.close_stream(current.stream_name)
        transaction.on_commit(lambda: tally.count("deployments", current.site.host, status))
        job_log.ended(
            "deployment",
            current.pk,
            status,
            request_id=current.request_id,
            began_at=current.started_at,
            site_host=current.site.host,
        )
    return True


def requeue(
    deployment: Deployment,
    *,
    why: str,
    was: DeploymentStatus = DeploymentStatus.RUNNING,
    attempt_counts: bool = True,
) -> bool:
    """Give an unfinished deployment a new job, which resumes it; the log says why."""
    with transaction.atomic():
        owned = Deployment.objects.filter(pk=deployment.pk, job_id=deployment.job_id, status=was)
        current: Deployment | None = owned.select_for_update().first()
        if current is None:
            return False
        current.job_id = jobs.defer(current.pk, current.site_id, current.owner_id)
        current.status = DeploymentStatus.QUEUED
        current.attempts -= 0 if attempt_counts else 1
        current.save(update_fields=["job_id", "status", "attempts"])
        _publish_highlight(current, why)
        # Now, not only when the next worker claims it: the one that has it may only hang.
        _publish_status(current, DeploymentStatus.QUEUED, epoch=current.job_id)
        job_log.requeued(
            "deployment", current.pk, why, request_id=current.request_id, attempts=current.attempts
        )
    return True


def _publish_highlight(deployment: Deployment, text: str) -> None:
    streams.publish(deployment.stream_name, {"kind": "line", "stream": "sys", "text": text, "mark": True})


def _publish_status(deployment: Deployment, status: DeploymentStatus, *, epoch: int | None = None) -> None:
    record: dict[str, object] = {
        "kind": "status",
        "status": str(status),
        "request_id": deployment.request_id,
    }
    error = deployment.error
    record = {**record, "error": error} if error else record
    streams.publish(deployment.stream_name, record, epoch=epoch)
    announce_deployment(deployment.site)
