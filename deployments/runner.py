"""Run one deployment in a worker: claim it, take it through its steps, say how it ended."""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from agentforge.live.log import StreamClosed, StreamMissing
from agentforge.live.writer import StreamWriter
from builds.buildlog import BuildLog, redactor
from builds.secrets import secret_values

from . import transitions
from .accounts import AccountProblem, host_for
from .errors import DeployError
from .hosts import HostError, State, Stopped
from .models import Deployment, DeploymentStatus
from .threads import in_own_thread
from .walk import Replaced, Walk

logger = logging.getLogger(__name__)


@dataclass
class Stop:
    """Ask the thread of a deployment to end; `handing_over` says that another worker goes on."""

    event: threading.Event = field(default_factory=threading.Event)
    handing_over: bool = False


async def run(deployment_id: int, job_id: int, *, is_shutdown: Callable[[], bool]) -> None:
    """Run a deployment to its end, if this job may."""
    stop = Stop()
    work = asyncio.ensure_future(in_own_thread(carry_out, deployment_id, job_id, stop))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        stop.handing_over = is_shutdown()
        stop.event.set()
        while not work.done():
            await asyncio.wait([work])
        raise


def carry_out(deployment_id: int, job_id: int, stop: Stop) -> None:
    """Do the work of a deployment, in a thread of its own."""
    deployment = transitions.claim(deployment_id, job_id)
    if deployment is None:
        return
    redact = redactor(secret_values(deployment.owner_id))
    writer = StreamWriter(deployment.stream_name)
    log = BuildLog(writer.write, redact)
    try:
        ending = _attempt(deployment, log, writer, stop)
        writer.close()
    except (Replaced, StreamMissing, StreamClosed):
        logger.info("Deployment %s was taken over or deleted while it ran.", deployment_id)
        return
    if ending is None:
        why = "The worker was stopped; the next one goes on where this one stood"
        transitions.requeue(deployment, why=why, attempt_counts=False)
        return
    status, facts, live = ending
    if "error" in facts:
        facts["error"] = redact(str(facts["error"]))
    transitions.finish(deployment, status, facts={**facts, "steps": log.steps}, live=live)


Ending = tuple[DeploymentStatus, dict[str, object], bool]


def _attempt(deployment: Deployment, log: BuildLog, writer: StreamWriter, stop: Stop) -> Ending | None:
    """Return how the deployment ended; None when another worker goes on with it."""
    try:
        if deployment.cancel_asked:
            raise Stopped
        Walk(deployment, log, writer.write, stop.event).run()
    except Stopped:
        return None if stop.handing_over else _cancel(deployment, log)
    except (DeployError, HostError, AccountProblem) as error:
        reason = str(getattr(error, "reason", "account"))
        log.say(f"Failed: {error}")
        live = reason == "not-verified" and not deployment.draft
        if not live:
            _give_up(deployment, log)
        return DeploymentStatus.FAILED, {"error": str(error), "reason": reason}, live
    except (Replaced, StreamMissing, StreamClosed):
        raise
    except Exception:
        incident = uuid.uuid4().hex[:8]
        logger.exception("Deployment %s failed inside the forge, incident %s", deployment.pk, incident)
        told = (
            f"The forge itself failed (incident {incident}). The site shows what it showed before. Try again."
        )
        log.say(told)
        _give_up(deployment, log)
        return DeploymentStatus.FAILED, {"error": told, "reason": "internal"}, False
    return DeploymentStatus.SUCCEEDED, {}, not deployment.draft


def _cancel(deployment: Deployment, log: BuildLog) -> Ending:
    """Give up what was begun at the host; say so truly when it was live before the cancel came."""
    state = _give_up(deployment, log)
    if state is None:
        told = "The cancel could not be passed on to the host. Look there whether the deploy goes live."
        return DeploymentStatus.FAILED, {"error": told, "reason": "unreachable"}, False
    if state == State.READY and not deployment.draft:
        log.mark("The cancel came too late: the deploy is live. Roll back to undo it")
        return DeploymentStatus.SUCCEEDED, {}, True
    log.say("Cancelled. The site shows what it showed before.")
    return DeploymentStatus.CANCELLED, {}, False


def _give_up(deployment: Deployment, log: BuildLog) -> State | None:
    """Cancel a deploy at the host, found by its title where its id was not stored yet.

    Returns how the host sees it afterwards; None when the host can't be asked.
    """
    site = deployment.site
    try:
        host = host_for(deployment.owner_id, site.host, f"used to cancel {deployment}")
        remote_id = deployment.remote_id
        if not remote_id:
            found = host.find_deploy(site.remote_id, deployment.title)
            remote_id = found.id if found else ""
        if not remote_id:
            return State.FAILED
        host.cancel(remote_id)
        state = host.deploy(site.remote_id, remote_id).state
        if deployment.draft and state == State.READY:
            host.delete_deploy(remote_id)
    except (HostError, AccountProblem) as error:
        log.say(f"What was begun at the host could not be cancelled: {error}")
        return None
    transitions.note(deployment, remote_id=remote_id)
    return state
