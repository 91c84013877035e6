"""Run one deployment in a worker: claim it, take it through its steps, say how it ended."""

from __future__ import annotations

import asyncio
import enum
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from agentforge.incidents import record_incident
from agentforge.live.log import StreamClosed, StreamMissing
from agentforge.live.writer import StreamWriter
from agentforge.retry import DATABASE_AWAY, retry_while_database_away
from agentforge.tenancy.threads import in_own_thread
from builds.logs.build_log import BuildLog, redactor
from builds.owner_secrets import secret_values
from deployments.accounts.host_accounts import AccountProblem, host_for
from deployments.errors import DeployError
from deployments.hosts.base import Host, HostError, State, Stopped
from deployments.models import Deployment, DeploymentStatus

from . import transitions
from .stages import NOT_VERIFIED, Replaced, Walk
from .transitions import MOST_ATTEMPTS

logger = logging.getLogger(__name__)
# So many seconds the words of a deployment wait for a database that is away.
DATABASE_PATIENCE = 600.0
GIVEN_UP = (
    f"It was begun {MOST_ATTEMPTS} times and never came to an end, because the worker died or the database "
    "went away. What was uploaded is kept at the host. Deploy again."
)


@dataclass
class Stop:
    """Ask the thread of a deployment to end; `handing_over` says that another worker goes on."""

    event: threading.Event = field(default_factory=threading.Event)
    handing_over: bool = False


@dataclass(frozen=True)
class Ending:
    """Say how a deployment ended; `live`: it is what its site shows."""

    status: DeploymentStatus
    error: str = ""
    reason: str = ""
    live: bool = False


@dataclass(frozen=True)
class Again:
    """Say why another job goes on with a deployment, and whether that is one attempt more."""

    why: str
    counts: bool


class Left(enum.Enum):
    """Name what a deployment that is given up leaves at its host."""

    NOTHING = "nothing that is shown"
    LIVE = "it was live before it could be given up"
    UNKNOWN = "the host can't be asked"


async def run(deployment_id: int, job_id: int, *, is_shutdown: Callable[[], bool]) -> None:
    """Run a deployment to its end, if this job may."""
    stop = Stop()
    work = asyncio.ensure_future(in_own_thread(carry_out, deployment_id, job_id, stop))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        stop.handing_over = is_shutdown()
        stop.event.set()
        logger.info("Deployment %s was asked to stop.", deployment_id)
        while not work.done():
            # Asked to stop for a second reason, it still waits: a job is over when its thread is.
            with suppress(asyncio.CancelledError):
                await asyncio.wait([work])
        raise


def carry_out(deployment_id: int, job_id: int, stop: Stop) -> None:
    """Do the work of a deployment, in a thread of its own."""
    deployment = retry_while_database_away(transitions.claim, deployment_id, job_id)
    if deployment is None:
        return
    redact = redactor(retry_while_database_away(secret_values, deployment.owner_id))
    writer = StreamWriter(deployment.stream_name)
    log = BuildLog(writer.write, redact)
    try:
        try:
            ending = _attempt(deployment, log, writer, stop)
        finally:
            writer.close(DATABASE_PATIENCE)
    except (Replaced, StreamMissing, StreamClosed):
        logger.info("Deployment %s was taken over or deleted while it ran.", deployment_id)
        if not retry_while_database_away(transitions.is_there, deployment):
            _undo(deployment)
        return
    if isinstance(ending, Again):
        retry_while_database_away(
            transitions.requeue, deployment, why=ending.why, attempt_counts=ending.counts
        )
        return
    facts = {"error": redact(ending.error), "reason": ending.reason, "steps": log.steps}
    retry_while_database_away(transitions.finish, deployment, ending.status, facts=facts, live=ending.live)


def _attempt(deployment: Deployment, log: BuildLog, writer: StreamWriter, stop: Stop) -> Ending | Again:
    """Return how the deployment ended, or why another job goes on with it."""
    try:
        return _walk(deployment, log, writer, stop)
    except DATABASE_AWAY as error:
        logger.warning("Deployment %s met a database that is away: %s", deployment.pk, error)
        return Again("The database was away; going on where it stood", counts=True)


def _walk(deployment: Deployment, log: BuildLog, writer: StreamWriter, stop: Stop) -> Ending | Again:
    try:
        if deployment.cancel_asked:
            return _cancel(deployment, log)
        if deployment.attempts > MOST_ATTEMPTS:
            return _fail(deployment, log, GIVEN_UP, "worker-died")
        Walk(deployment, log, writer.write, stop.event).run()
        if transitions.is_cancel_asked(deployment):
            return _cancel(deployment, log)
    except Stopped:
        if stop.handing_over:
            return Again("The worker was stopped; the next one goes on where this one stood", counts=False)
        return _cancel(deployment, log)
    except (DeployError, HostError, AccountProblem) as error:
        return _fail(deployment, log, str(error), str(getattr(error, "reason", "account")))
    except (Replaced, StreamMissing, StreamClosed, *DATABASE_AWAY):
        raise
    except Exception:
        incident = record_incident(f"Deployment {deployment.pk}")
        return _fail(
            deployment, log, f"The forge itself failed (incident {incident}). Try again.", "internal"
        )
    return Ending(DeploymentStatus.SUCCEEDED, live=not deployment.draft)


def _cancel(deployment: Deployment, log: BuildLog) -> Ending:
    """Give up what was begun at the host; what was live before the cancel came has succeeded."""
    match _give_up(deployment, log):
        case Left.UNKNOWN:
            told = "The cancel could not be passed on to the host. Look there whether the deploy goes live."
            return Ending(DeploymentStatus.FAILED, told, "unreachable")
        case Left.LIVE:
            return Ending(DeploymentStatus.SUCCEEDED, live=True)
    log.say("Cancelled. The site shows what it showed before.")
    return Ending(DeploymentStatus.CANCELLED)


def _fail(deployment: Deployment, log: BuildLog, told: str, reason: str) -> Ending:
    """Give up what was begun at the host; say where that did not keep the site as it was."""
    log.say(f"Failed: {told}")
    left = _give_up(deployment, log)
    if left == Left.LIVE and reason != NOT_VERIFIED:
        told += " The deploy is live all the same: look at the site, or roll back."
    elif left == Left.UNKNOWN and deployment.remote_id:
        told += " What was begun at the host could not be cancelled: look there whether it goes live."
    return Ending(DeploymentStatus.FAILED, told, reason, live=left == Left.LIVE)


def _undo(deployment: Deployment) -> None:
    """Cancel what was begun for a deployment that was deleted with its agent: nobody else can any more."""
    try:
        host = host_for(deployment.owner_id, deployment.site.host, f"used to cancel {deployment}")
        if remote_id := _remote_id(host, deployment):
            host.cancel(remote_id)
    except (HostError, AccountProblem) as error:
        # Without its words, which may quote what the host was sent: no log of the owner's blanks them here.
        reason = getattr(error, "reason", "account")
        logger.warning("What deployment %s began could not be cancelled: %s", deployment.pk, reason)


def _remote_id(host: Host, deployment: Deployment) -> str:
    """Return the id of a deploy, found by its title where it was not stored yet; empty when there is none."""
    if deployment.remote_id:
        return deployment.remote_id
    found = host.find_deploy(deployment.site.remote_id, deployment.title)
    return found.id if found else ""


def _give_up(deployment: Deployment, log: BuildLog) -> Left:
    """Cancel a deploy at the host."""
    site = deployment.site
    try:
        host = host_for(deployment.owner_id, site.host, f"used to cancel {deployment}")
        remote_id = _remote_id(host, deployment)
        if not remote_id:
            return Left.NOTHING
        host.cancel(remote_id)
        is_ready = host.deploy(site.remote_id, remote_id).state == State.READY
        if is_ready and deployment.draft:
            host.delete_deploy(remote_id)
        remote = host.site(site.remote_id)
    except (HostError, AccountProblem) as error:
        log.say(f"What was begun at the host could not be cancelled: {error}")
        return Left.UNKNOWN
    transitions.note(deployment, remote_id=remote_id)
    is_shown = remote.live_deploy == remote_id or not remote.locked
    return Left.LIVE if is_ready and not deployment.draft and is_shown else Left.NOTHING
