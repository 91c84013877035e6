"""Start, cancel and retry builds."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from agentforge.accounts.models import User
from agentforge.accounts.throttling.acts import Act, performs, require
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.live import streams
from agentforge.telemetry import jobs as job_log
from agentforge.tenancy.rls import as_service
from configs.models import AgentConfig, Revision, lock_agent
from configs.revisions import create_revision

from .announcements import announce_build
from .compiler import targets
from .errors import NotPossible
from .execution import transitions
from .models import PLUGIN, Build, BuildStatus, BuildTarget
from .queue import fairness, jobs, position


def enqueue_build(agent: AgentConfig, by: User, names: Sequence[str] = (PLUGIN,)) -> Build:
    """Create a revision of a draft and enqueue its build, in one transaction.

    Raises BuildError for an unknown target, QueueFull if the owner has too many queued builds.
    """
    with transaction.atomic():
        fairness.refuse_more_than_allowed(agent.owner_id)
        return enqueue_revision(create_revision(agent), by, names)


@performs(Act.BUILD)
def enqueue_revision(
    revision: Revision, by: User, names: Sequence[str] = (PLUGIN,), *, builder: str = ""
) -> Build:
    """Enqueue a build of a revision, owned by the agent's owner.

    `builder` is the preferred builder: `local` or a remote builder's name. Raises BuildError for an unknown
    target.
    """
    chosen = targets.in_order(names)
    if chosen != [PLUGIN]:
        require(Act.BUILD_PROGRAM)
    with transaction.atomic(), as_service():
        lock_agent(revision.agent_id)
        turn = fairness.next_turn(revision.owner_id)
        build: Build = Build.objects.create(
            owner_id=revision.owner_id,
            revision=revision,
            targets=chosen,
            turn=turn,
            wanted_builder=builder,
        )
        streams.create_stream(build.stream_name, build.owner_id)
        message = f"Build {build.pk} of revision {revision.number}, requested by {by}."
        streams.publish(
            build.stream_name,
            {"kind": "status", "status": BuildStatus.QUEUED.value, "request_id": build.request_id},
            {"kind": "line", "stream": "sys", "text": message},
        )
        announce_build(revision.agent_id, build.owner_id, build.pk, BuildStatus.QUEUED.value)
        build.job_id = jobs.defer_build(build.pk, build.turn)
        build.save(update_fields=["job_id"])
        rows = [BuildTarget(owner_id=build.owner_id, build=build, target=name) for name in chosen]
        BuildTarget.objects.bulk_create(rows)
        record(Action.BUILD_ASKED, owner=build.owner_id, actor=by, subject=build, targets=" ".join(chosen))
        position.publish_joined()
    return build


def cancel_build(build: Build, by: User) -> None:
    """Cancel a build: at once if queued, otherwise its worker kills the compilers first.

    Raises NotPossible if the build is finished.
    """
    with transaction.atomic(), as_service():
        current: Build = Build.objects.select_for_update().get(pk=build.pk)
        if current.status not in (BuildStatus.QUEUED, BuildStatus.RUNNING):
            raise NotPossible(f"Build {build.pk} is finished: {current.get_status_display().lower()}.")
        if current.job_id is not None:
            jobs.withdraw(current.job_id)
        line = {"kind": "line", "stream": "sys", "text": f"Cancel requested by {by}."}
        streams.publish(current.stream_name, line)
        job_log.cancel_requested("build", current.pk)
        record(Action.BUILD_CANCELLED, owner=current.owner_id, actor=by, subject=current)
        if current.status == BuildStatus.QUEUED:
            transitions.finish(current.pk, current.job_id, BuildStatus.CANCELLED, was=BuildStatus.QUEUED)


def retry_build(build: Build, by: User, *, builder: str = "") -> Build:
    """Enqueue a new build of the same revision and targets, with `builder` preferred.

    Raises NotPossible while the build is unfinished, QueueFull if the owner has too many queued builds.
    """
    if build.status in (BuildStatus.QUEUED, BuildStatus.RUNNING):
        raise NotPossible(f"Build {build.pk} is still running. Cancel it first.")
    with transaction.atomic():
        fairness.refuse_more_than_allowed(build.owner_id)
        record(Action.BUILD_RETRIED, owner=build.owner_id, actor=by, subject=build)
        return enqueue_revision(build.revision, by, build.targets, builder=builder)
