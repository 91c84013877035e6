"""Ask for builds and stop them: what a page, a command or another room may do."""

from __future__ import annotations

from django.db import transaction

from agentforge.accounts.models import User
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.live import streams
from agentforge.tenancy.rls import as_service
from configs.models import AgentConfig, Revision
from configs.revisions import create_revision

from . import jobs, transitions
from .announcements import announce_build
from .errors import NotPossible
from .models import Build, BuildStatus


def enqueue_build(agent: AgentConfig, by: User) -> Build:
    """Freeze a draft and enqueue its compilation: revision, build, job and log in one transaction."""
    with transaction.atomic():
        return enqueue_revision(create_revision(agent), by)


def enqueue_revision(revision: Revision, by: User, target: str = "plugin") -> Build:
    """Enqueue the compilation of a revision; the build belongs to the owner of the agent."""
    with transaction.atomic():
        build: Build = Build.objects.create(owner_id=revision.owner_id, revision=revision, target=target)
        streams.create_stream(build.stream_name, build.owner_id)
        asked = f"Build {build.pk} of revision {revision.number}, asked for by {by}."
        streams.publish(
            build.stream_name,
            {"kind": "status", "status": BuildStatus.QUEUED.value},
            {"kind": "line", "stream": "sys", "text": asked},
        )
        announce_build(revision.agent_id, build.owner_id, build.pk, BuildStatus.QUEUED.value)
        build.job_id = jobs.defer(jobs.COMPILE, build_id=build.pk)
        with as_service():
            build.save(update_fields=["job_id"])
        record(Action.BUILD_ASKED, owner=build.owner_id, actor=by, subject=build, target=target)
    return build


def cancel_build(build: Build, by: User) -> None:
    """Cancel a queued build at once; ask the worker of a running one to kill it, which then cancels it.

    Raises NotPossible when the build is over.
    """
    with transaction.atomic(), as_service():
        current: Build = Build.objects.select_for_update().get(pk=build.pk)
        if current.status not in (BuildStatus.QUEUED, BuildStatus.RUNNING):
            raise NotPossible(f"Build {build.pk} is over: {current.get_status_display().lower()}.")
        if current.job_id is not None:
            jobs.withdraw(current.job_id)
        told = {"kind": "line", "stream": "sys", "text": f"Cancel asked for by {by}."}
        streams.publish(current.stream_name, told)
        record(Action.BUILD_CANCELLED, owner=current.owner_id, actor=by, subject=current)
        if current.status == BuildStatus.QUEUED:
            transitions.finish(current.pk, current.job_id, BuildStatus.CANCELLED, was=BuildStatus.QUEUED)


def retry_build(build: Build, by: User) -> Build:
    """Build the same revision again, as a new build.

    Raises NotPossible while the build still goes on.
    """
    if build.status in (BuildStatus.QUEUED, BuildStatus.RUNNING):
        raise NotPossible(f"Build {build.pk} still goes on. Cancel it first.")
    with transaction.atomic():
        record(Action.BUILD_RETRIED, owner=build.owner_id, actor=by, subject=build)
        return enqueue_revision(build.revision, by, build.target)
