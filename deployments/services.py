"""What pages, commands and operators do with deployments: enqueue, cancel, retry, publish, delete."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.accounts.throttling.acts import Act, performs
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.live import streams
from agentforge.telemetry import jobs as job_log
from agentforge.tenancy.rls import as_service
from builds.models import Build, BuildStatus
from configs.models import lock_agent, refuse_trashed

from . import history, preflight
from .accounts.host_accounts import host_for
from .announcements import announce_deployment
from .errors import NotPossible
from .models import UNFINISHED, Access, Deployment, DeploymentStatus, Site
from .run import jobs, transitions


@performs(Act.DEPLOY)
def enqueue(site: Site, build: Build, by: User, *, draft: bool = False) -> Deployment:
    """Enqueue the deployment of a build: row, job and log in one transaction.

    Raises NotPossible for a build that can't be deployed or whose files are gone, and for a deleted site;
    AgentInTrash.
    """
    with transaction.atomic(), as_service():
        # Whoever moves the agent to the trash waits for this, and then cancels it.
        lock_agent(site.agent_id)
        return enqueue_locked(site, build, by, draft=draft)


def enqueue_locked(site: Site, build: Build, by: User, *, draft: bool = False) -> Deployment:
    """Do it for a caller who has locked the site's agent, or the build as long as it was unfinished."""
    if site.deleted_at is not None:
        raise NotPossible("This site was deleted or replaced by another one. Choose a site first.")
    if build.status != BuildStatus.SUCCEEDED or build.revision.agent_id != site.agent_id:
        raise NotPossible(
            f"Build {build.pk} can't be deployed here: it did not succeed, or belongs to another agent."
        )
    with transaction.atomic(), as_service():
        _lock_build(build)
        deployment: Deployment = Deployment.objects.create(
            owner_id=site.owner_id,
            site=site,
            build=build,
            revision=build.revision,
            draft=draft,
            asked_by=str(by),
        )
        streams.create_stream(deployment.stream_name, deployment.owner_id)
        kind = "draft" if draft else "production"
        text = f"Deployment {deployment.pk} of build {build.pk} to {site.name} ({kind}) by {by}."
        streams.publish(
            deployment.stream_name,
            {"kind": "status", "status": DeploymentStatus.QUEUED.value},
            {"kind": "line", "stream": "sys", "text": text},
        )
        announce_deployment(site)
        # Without locking the agent: who moves it to the trash locks it first, and then its unfinished builds.
        refuse_trashed(site.agent_id)
        deployment.job_id = jobs.defer(deployment.pk, site.pk, site.owner_id)
        deployment.save(update_fields=["job_id"])
        owner, name = site.owner_id, site.name
        record(Action.DEPLOY_ASKED, owner=owner, actor=by, subject=deployment, site=name, draft=draft)
    return deployment


def _lock_build(build: Build) -> None:
    """Lock a build's row, so that its files are not removed before the deployment is committed.

    Raises NotPossible when they are gone.
    """
    if Build.objects.select_for_update().get(pk=build.pk).expired_at is not None:
        raise NotPossible(f"The files of build {build.pk} were pruned. Retry it to get identical files.")


def cancel(deployment: Deployment, by: User) -> None:
    """Cancel a queued deployment at once; make the worker of a running one cancel it at the host.

    Raises NotPossible when it is over.
    """
    with transaction.atomic(), as_service():
        current: Deployment = Deployment.objects.select_for_update().get(pk=deployment.pk)
        if current.status not in UNFINISHED:
            raise NotPossible(f"Deployment {current.pk} is over: {current.get_status_display().lower()}.")
        current.cancel_asked = True
        current.save(update_fields=["cancel_asked"])
        line = {"kind": "line", "stream": "sys", "text": f"Cancel requested by {by}."}
        streams.publish(current.stream_name, line)
        job_log.cancel_requested("deployment", current.pk)
        record(Action.DEPLOY_CANCELLED, owner=current.owner_id, actor=by, subject=current)
        never_started = current.status == DeploymentStatus.QUEUED and not current.started_at
        # A requeued deployment stays in the queue: its deploy has to be cancelled at the host.
        if current.job_id is not None and (never_started or current.status == DeploymentStatus.RUNNING):
            jobs.cancel(current.job_id)
        if never_started:
            transitions.finish(current, DeploymentStatus.CANCELLED, was=DeploymentStatus.QUEUED)


def retry(deployment: Deployment, by: User) -> Deployment:
    """Deploy the same build to the same site again.

    Raises NotPossible until it is over, when its build was deleted, and when a check of a new one fails.
    """
    if deployment.status in UNFINISHED:
        raise NotPossible(f"Deployment {deployment.pk} is still running. Cancel it first.")
    if deployment.build is None:
        raise NotPossible("Its build was deleted. Deploy another one.")
    preflight.require_ready(deployment.site.agent, deployment.site, deployment.build)
    return enqueue(deployment.site, deployment.build, by, draft=deployment.draft)


@performs(Act.DEPLOY)
def publish(deployment: Deployment, by: User) -> None:
    """Put a draft or an earlier deployment live: promote it, or roll back to it.

    Raises NotPossible, AccountProblem or HostError; then the site is unchanged.
    """
    check_publishable(deployment)
    site = deployment.site
    host = host_for(deployment.owner_id, site.host, "used to put a deploy live")
    host.publish(site.remote_id, deployment.remote_id)
    now = timezone.now()
    with transaction.atomic(), as_service():
        row = Deployment.objects.filter(pk=deployment.pk)
        not_live = row.exclude(remote_id=F("site__live_remote_id"))
        not_live.update(replaced=history.replaced_revision(deployment))
        row.update(published_at=now, draft=False)
        shown = {"live_remote_id": deployment.remote_id, "answered_at": None}
        Site.objects.filter(pk=site.pk).update(**shown, looked_at=now, problem="")
        record(
            Action.DEPLOY_PUBLISHED, owner=deployment.owner_id, actor=by, subject=deployment, site=site.name
        )
        announce_deployment(site)


def check_publishable(deployment: Deployment) -> None:
    """Raise NotPossible when a deployment can't be put live, as far as known without asking the host."""
    if deployment.status != DeploymentStatus.SUCCEEDED or not deployment.remote_id:
        raise NotPossible("Only a deployment that succeeded can be put live.")
    if deployment.site.deleted_at is not None:
        raise NotPossible("Its site was deleted or replaced.")
    if deployment.site.access != Access.PUBLIC and not deployment.keeps_the_rules:
        raise NotPossible(
            f"Its access settings differ from the current ones of {deployment.site.name}: going live, it "
            "would let in people who no longer have access. Deploy its build again instead."
        )


def is_publishable(deployment: Deployment) -> bool:
    """Return whether a page offers to promote a deployment or to roll back to it."""
    if deployment.is_live:
        return False
    try:
        check_publishable(deployment)
    except NotPossible:
        return False
    return True


@performs(Act.CHANGE_SITE)
def delete(deployment: Deployment, by: User) -> None:
    """Delete a deployment at the host and here.

    Raises NotPossible while it is live or unfinished, AccountProblem or HostError.
    """
    if deployment.status in UNFINISHED:
        raise NotPossible(f"Deployment {deployment.pk} is still running. Cancel it first.")
    if deployment.is_live:
        raise NotPossible("It is live on its site. Put another deployment live first.")
    if deployment.remote_id and deployment.site.deleted_at is None:
        host = host_for(deployment.owner_id, deployment.site.host, "used to delete a deploy")
        host.delete_deploy(deployment.remote_id)
    with transaction.atomic(), as_service():
        record(Action.DEPLOY_DELETED, owner=deployment.owner_id, actor=by, subject=deployment)
        streams.delete_stream(deployment.stream_name)
        Deployment.objects.filter(pk=deployment.pk).delete()
        announce_deployment(deployment.site)
