"""Change a deployment's status: one conditional update each, said on its stream in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from agentforge.live import streams
from deployments import history
from deployments.models import Deployment, DeploymentStatus, Site

from . import jobs

# A deployment whose worker died is gone on with until this many attempts were made; one more undoes it.
MOST_ATTEMPTS = 3


def claim(deployment_id: int, job_id: int) -> Deployment | None:
    """Turn a queued deployment of this job into a running one; None when it is somebody else's or over."""
    with transaction.atomic():
        waiting = Deployment.objects.filter(pk=deployment_id, job_id=job_id, status=DeploymentStatus.QUEUED)
        won = waiting.update(
            status=DeploymentStatus.RUNNING, started_at=timezone.now(), attempts=F("attempts") + 1
        )
        if not won:
            return None
        deployment: Deployment = Deployment.objects.select_related(
            "site__agent", "build", "revision", "owner"
        ).get(pk=deployment_id)
        _say(deployment, DeploymentStatus.RUNNING)
    return deployment


def note(deployment: Deployment, **facts: object) -> bool:
    """Store what is known of a running deployment, before the step that needs it.

    Returns False, and changes nothing, when another job has it by now.
    """
    mine = Deployment.objects.filter(
        pk=deployment.pk, job_id=deployment.job_id, status=DeploymentStatus.RUNNING
    )
    for name, value in facts.items():
        setattr(deployment, name, value)
    return bool(mine.update(**facts))


def is_there(deployment: Deployment) -> bool:
    """Tell whether a deployment still has its row: its agent may have been deleted meanwhile."""
    return Deployment.objects.filter(pk=deployment.pk).exists()


def is_cancel_asked(deployment: Deployment) -> bool:
    """Tell whether somebody asked for a deployment's cancel."""
    return Deployment.objects.filter(pk=deployment.pk, cancel_asked=True).exists()


def finish(
    deployment: Deployment,
    status: DeploymentStatus,
    *,
    was: DeploymentStatus = DeploymentStatus.RUNNING,
    facts: Mapping[str, object] | None = None,
    live: bool = False,
) -> bool:
    """End a deployment and its log; `live`: it is what its site shows now.

    Returns False, and changes nothing, when it is no longer `was` for this job.
    """
    now = timezone.now()
    with transaction.atomic():
        mine = Deployment.objects.filter(pk=deployment.pk, job_id=deployment.job_id, status=was)
        more = {**(facts or {}), **({"published_at": now} if live else {})}
        if status == DeploymentStatus.SUCCEEDED:
            more["replaced"] = history.replaced_by(deployment)
        if not mine.update(status=status, finished_at=now, **more):
            return False
        present: Deployment = Deployment.objects.get(pk=deployment.pk)
        if live:
            site = Site.objects.filter(pk=present.site_id)
            site.update(live_remote_id=present.remote_id, looked_at=now, problem="")
        if status == DeploymentStatus.SUCCEEDED and present.cancel_asked:
            what = "the draft is there. Delete it" if present.draft else "the deploy is live. Roll back"
            streams.publish(present.stream_name, _mark(f"The cancel came too late: {what} to undo it"))
        _say(present, status)
        streams.close_stream(present.stream_name)
    return True


def requeue(
    deployment: Deployment,
    *,
    why: str,
    was: DeploymentStatus = DeploymentStatus.RUNNING,
    attempt_counts: bool = True,
) -> bool:
    """Give an unfinished deployment a new job, which goes on where it stood; say so in its log."""
    with transaction.atomic():
        mine = Deployment.objects.filter(pk=deployment.pk, job_id=deployment.job_id, status=was)
        present: Deployment | None = mine.select_for_update().first()
        if present is None:
            return False
        present.job_id = jobs.defer(present.pk, present.site_id)
        present.status = DeploymentStatus.QUEUED
        present.attempts -= 0 if attempt_counts else 1
        present.save(update_fields=["job_id", "status", "attempts"])
        streams.publish(present.stream_name, _mark(why))
        _say(present, DeploymentStatus.QUEUED)
    return True


def _mark(text: str) -> dict[str, object]:
    return {"kind": "line", "stream": "sys", "text": text, "mark": True}


def _say(deployment: Deployment, status: DeploymentStatus) -> None:
    record: dict[str, object] = {"kind": "status", "status": str(status)}
    error = deployment.error
    streams.publish(deployment.stream_name, {**record, "error": error} if error else record)
