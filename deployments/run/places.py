"""Why a queued deployment has not started yet."""

from __future__ import annotations

from django.conf import settings

from agentforge.queue.places import waiting_jobs
from agentforge.worker_liveness import any_worker_alive
from deployments.models import Deployment, DeploymentStatus

from .jobs import DEPLOYMENTS


def words_of(deployment: Deployment) -> str:
    """Return what a queued deployment waits for, in words; empty for any other."""
    if deployment.status != DeploymentStatus.QUEUED:
        return ""
    job = waiting_jobs(DEPLOYMENTS, settings.DEPLOY_CONCURRENCY, any_worker_alive).get(deployment.job_id or 0)
    if job is None:
        return "It starts in a moment."
    if job.position is None and job.is_served:
        return "Waiting for another deployment, to this site or of yours."
    return job.words
