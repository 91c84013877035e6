"""Ask for deployments, stop them, put them live: what a page, a command or an operator may do."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.live import streams
from agentforge.tenancy.rls import as_service
from builds.models import Build, BuildStatus

from . import history
from .accounts.host_accounts import host_for
from .errors import NotPossible
from .models import UNFINISHED, Access, Deployment, DeploymentStatus, Site
from .run import jobs, transitions


def enqueue(site: Site, build: Build, by: User, *, draft: bool = False) -> Deployment:
    """Enqueue the deployment of a build: row, job and log in one transaction.

    Raises NotPossible for a build that has nothing to deploy or whose files are gone, and for a site that was
    given up.
    """
    if site.deleted_at is not None:
        raise NotPossible("This site was deleted or replaced by another one. Choose a site first.")
    if build.status != BuildStatus.SUCCEEDED or build.revision.agent_id != site.agent_id:
        raise NotPossible(
            f"Build {build.pk} can't be deployed here: it did not succeed, or is another agent's."
        )
    with transaction.atomic(), as_service():
        _hold(build)
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
        asked = f"Deployment {deployment.pk} of build {build.pk} to {site.name} ({kind}), asked for by {by}."
        streams.publish(
            deployment.stream_name,
            {"kind": "status", "status": DeploymentStatus.QUEUED.value},
            {"kind": "line", "stream": "sys", "text": asked},
        )
        deployment.job_id = jobs.defer(deployment.pk, site.pk)
        deployment.save(update_fields=["job_id"])
        record(
            Action.DEPLOY_ASKED,
            owner=site.owner_id,
            actor=by,
            subject=deployment,
            site=site.name,
            draft=draft,
        )
    return deployment


def _hold(build: Build) -> None:
    """Keep a build's files from now on; whoever removes them at this moment was first.

    Raises NotPossible when they are gone.
    """
    if Build.objects.select_for_update().get(pk=build.pk).expired_at is not None:
        raise NotPossible(f"The files of build {build.pk} are gone. Build it again: it gives the same bytes.")


def cancel(deployment: Deployment, by: User) -> None:
    """Cancel a deployment that waits at once; ask the worker of a running one to undo what it began.

    Raises NotPossible when it is over.
    """
    with transaction.atomic(), as_service():
        present: Deployment = Deployment.objects.select_for_update().get(pk=deployment.pk)
        if present.status not in UNFINISHED:
            raise NotPossible(f"Deployment {present.pk} is over: {present.get_status_display().lower()}.")
        present.cancel_asked = True
        present.save(update_fields=["cancel_asked"])
        told = {"kind": "line", "stream": "sys", "text": f"Cancel asked for by {by}."}
        streams.publish(present.stream_name, told)
        record(Action.DEPLOY_CANCELLED, owner=present.owner_id, actor=by, subject=present)
        never_began = present.status == DeploymentStatus.QUEUED and not present.started_at
        # One that was begun and waits for a worker has something to undo: it stays in the queue for that.
        if present.job_id is not None and (never_began or present.status == DeploymentStatus.RUNNING):
            jobs.cancel(present.job_id)
        if never_began:
            transitions.finish(present, DeploymentStatus.CANCELLED, was=DeploymentStatus.QUEUED)


def retry(deployment: Deployment, by: User) -> Deployment:
    """Deploy the same build to the same site again.

    Raises NotPossible while it still goes on, and when its build is gone.
    """
    if deployment.status in UNFINISHED:
        raise NotPossible(f"Deployment {deployment.pk} still goes on. Cancel it first.")
    if deployment.build is None:
        raise NotPossible("Its build was deleted. Deploy another one.")
    return enqueue(deployment.site, deployment.build, by, draft=deployment.draft)


def publish(deployment: Deployment, by: User) -> None:
    """Put an earlier deployment or a draft live: promote it, or roll back to it.

    Raises NotPossible, AccountProblem or HostError; then the site shows what it showed.
    """
    refuse_to_publish(deployment)
    site = deployment.site
    host = host_for(deployment.owner_id, site.host, "used to put a deploy live")
    host.publish(site.remote_id, deployment.remote_id)
    now = timezone.now()
    with transaction.atomic(), as_service():
        mine = Deployment.objects.filter(pk=deployment.pk)
        not_shown = mine.exclude(remote_id=F("site__live_remote_id"))
        not_shown.update(replaced=history.replaced_by(deployment))
        mine.update(published_at=now, draft=False)
        Site.objects.filter(pk=site.pk).update(live_remote_id=deployment.remote_id, looked_at=now, problem="")
        record(
            Action.DEPLOY_PUBLISHED, owner=deployment.owner_id, actor=by, subject=deployment, site=site.name
        )


def refuse_to_publish(deployment: Deployment) -> None:
    """Raise NotPossible, as far as that is known here, when a deployment can't be put live."""
    if deployment.status != DeploymentStatus.SUCCEEDED or not deployment.remote_id:
        raise NotPossible("Only a deployment that succeeded can be put live.")
    if deployment.site.deleted_at is not None:
        raise NotPossible("Its site was deleted or replaced.")
    if deployment.site.access != Access.PUBLIC and not deployment.keeps_the_rules:
        raise NotPossible(
            f"Other people may talk to it than {deployment.site.name} is meant for now, and going live it "
            "would let them in again. Deploy its build again instead: that keeps what was chosen since."
        )


def may_go_live(deployment: Deployment) -> bool:
    """Tell whether a page offers to promote a deployment or to roll back to it."""
    if deployment.is_live:
        return False
    try:
        refuse_to_publish(deployment)
    except NotPossible:
        return False
    return True


def delete(deployment: Deployment, by: User) -> None:
    """Delete a deployment at the host and here.

    Raises NotPossible while it is live or goes on, AccountProblem or HostError.
    """
    if deployment.status in UNFINISHED:
        raise NotPossible(f"Deployment {deployment.pk} still goes on. Cancel it first.")
    if deployment.is_live:
        raise NotPossible("It is what the site shows now. Put another one live first.")
    if deployment.remote_id and deployment.site.deleted_at is None:
        host = host_for(deployment.owner_id, deployment.site.host, "used to delete a deploy")
        host.delete_deploy(deployment.remote_id)
    with transaction.atomic(), as_service():
        record(Action.DEPLOY_DELETED, owner=deployment.owner_id, actor=by, subject=deployment)
        streams.delete_stream(deployment.stream_name)
        Deployment.objects.filter(pk=deployment.pk).delete()
