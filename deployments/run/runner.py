"""Run one deployment in a worker: claim it, carry out its stages, store the outcome."""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

from agentforge.incidents import record_incident
from agentforge.live.log import StreamClosed, StreamMissing
from agentforge.live.writer import StreamWriter
from agentforge.retry import DATABASE_AWAY, retry_while_database_away
from agentforge.tenancy.threads import in_own_thread
from builds.logs.build_log import BuildLog, redactor
from configs.keys.vault import values_to_redact
from deployments.accounts.host_accounts import AccountProblem
from deployments.errors import DeployError
from deployments.hosts.base import HostError, Stopped
from deployments.models import Deployment, DeploymentStatus

from . import transitions
from .cancellation import RemoteState, cancel_orphan, cancel_remote
from .deployment_run import DeploymentRun, StopRequest, Superseded
from .stages import NOT_VERIFIED, run_stages
from .transitions import MAX_ATTEMPTS

logger = logging.getLogger(__name__)
# How long, in seconds, the last log lines of a deployment wait for an unavailable database.
DATABASE_PATIENCE = 600.0
GIVEN_UP = (
    f"Gave up after {MAX_ATTEMPTS} attempts: each time the worker died or the database was unavailable. "
    "Uploaded files are kept at the host. Deploy again."
)
_SUPERSEDED = (Superseded, StreamMissing, StreamClosed)


class Kind(enum.Enum):
    FINISHED = "finished"
    REQUEUE = "requeue"
    # Another job owns the deployment now, or it was deleted.
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Outcome:
    """`message` is the error of a failed deployment, or why one is requeued; `live`: its site shows it."""

    kind: Kind
    status: DeploymentStatus = DeploymentStatus.QUEUED
    message: str = ""
    reason: str = ""
    live: bool = False
    attempt_counts: bool = True

    @classmethod
    def finished(
        cls, status: DeploymentStatus, error: str = "", reason: str = "", *, live: bool = False
    ) -> Outcome:
        return cls(Kind.FINISHED, status, error, reason, live)

    @classmethod
    def requeue(cls, why: str, *, attempt_counts: bool) -> Outcome:
        return cls(Kind.REQUEUE, message=why, attempt_counts=attempt_counts)


async def run(deployment_id: int, job_id: int, *, is_shutdown: Callable[[], bool]) -> None:
    """Run a deployment to its end if this job owns it."""
    stop = StopRequest()
    work = asyncio.ensure_future(in_own_thread(carry_out, deployment_id, job_id, stop))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        stop.handing_over = is_shutdown()
        stop.event.set()
        logger.info("Stopping deployment %s.", deployment_id)
        while not work.done():
            # A second cancellation changes nothing: a job is over when its thread is.
            with suppress(asyncio.CancelledError):
                await asyncio.wait([work])
        raise


def carry_out(deployment_id: int, job_id: int, stop: StopRequest) -> None:
    """Carry out a deployment in this thread, and store the outcome."""
    tries = count()
    deployment = retry_while_database_away(
        lambda: transitions.claim(deployment_id, job_id, again=next(tries) > 0)
    )
    if deployment is None:
        return
    redact = redactor(retry_while_database_away(values_to_redact, deployment.owner_id))
    writer = StreamWriter(deployment.stream_name, epoch=job_id)
    log = BuildLog(writer.write, redact)
    outcome = _attempt(deployment, log, writer, stop)
    match outcome.kind:
        case Kind.SUPERSEDED:
            logger.info("Deployment %s was taken over or deleted while it ran.", deployment_id)
            if not retry_while_database_away(transitions.exists, deployment):
                cancel_orphan(deployment)
        case Kind.REQUEUE:
            why, counts = outcome.message, outcome.attempt_counts
            retry_while_database_away(transitions.requeue, deployment, why=why, attempt_counts=counts)
        case Kind.FINISHED:
            fields = {"error": redact(outcome.message), "reason": outcome.reason, "steps": log.steps}
            retry_while_database_away(
                transitions.finish, deployment, outcome.status, fields=fields, live=outcome.live
            )


def _attempt(deployment: Deployment, log: BuildLog, writer: StreamWriter, stop: StopRequest) -> Outcome:
    try:
        try:
            return _outcome(deployment, log, writer, stop)
        except DATABASE_AWAY as error:
            logger.warning("The database is unavailable to deployment %s: %s", deployment.pk, error)
            return Outcome.requeue("The database was unavailable; resuming", attempt_counts=True)
        finally:
            writer.close(DATABASE_PATIENCE)
    except _SUPERSEDED:
        return Outcome(Kind.SUPERSEDED)


def _outcome(deployment: Deployment, log: BuildLog, writer: StreamWriter, stop: StopRequest) -> Outcome:
    try:
        if deployment.cancel_asked:
            return _cancel(deployment, log)
        if deployment.attempts > MAX_ATTEMPTS:
            return _fail(deployment, log, GIVEN_UP, "worker-died")
        run_stages(DeploymentRun(deployment, log, writer.write, stop.event))
        if transitions.is_cancel_requested(deployment):
            return _cancel(deployment, log)
    except Stopped:
        if stop.handing_over:
            return Outcome.requeue("The worker was stopped; the next one resumes", attempt_counts=False)
        return _cancel(deployment, log)
    except (DeployError, HostError, AccountProblem) as error:
        return _fail(deployment, log, str(error), str(getattr(error, "reason", "account")))
    except (*_SUPERSEDED, *DATABASE_AWAY):
        raise
    except Exception:
        incident = record_incident(f"Deployment {deployment.pk}")
        message = f"The forge itself failed (incident {incident}). Try again."
        return _fail(deployment, log, message, "internal")
    return Outcome.finished(DeploymentStatus.SUCCEEDED, live=not deployment.draft)


def _cancel(deployment: Deployment, log: BuildLog) -> Outcome:
    """Cancel the deploy at the host; one that went live before has succeeded."""
    match cancel_remote(deployment, log):
        case RemoteState.UNKNOWN:
            error = "The deploy could not be cancelled at the host. Check there whether it goes live."
            return Outcome.finished(DeploymentStatus.FAILED, error, "unreachable")
        case RemoteState.LIVE:
            return Outcome.finished(DeploymentStatus.SUCCEEDED, live=True)
    log.info("Cancelled. The site is unchanged.")
    return Outcome.finished(DeploymentStatus.CANCELLED)


def _fail(deployment: Deployment, log: BuildLog, error: str, reason: str) -> Outcome:
    """Cancel the deploy at the host; the error says where that did not leave the site unchanged."""
    log.info(f"Failed: {error}")
    remote = cancel_remote(deployment, log)
    if remote == RemoteState.LIVE and reason != NOT_VERIFIED:
        error += " The deploy is live nevertheless: check the site, or roll back."
    elif remote == RemoteState.UNKNOWN and deployment.remote_id:
        error += " The deploy could not be cancelled at the host: check there whether it goes live."
    return Outcome.finished(DeploymentStatus.FAILED, error, reason, live=remote == RemoteState.LIVE)
