"""Cancel at the host what an attempt began there."""

from __future__ import annotations

import enum
import logging

from builds.logs.build_log import BuildLog
from deployments.accounts.host_accounts import AccountProblem, host_for
from deployments.hosts.base import Host, HostError, State
from deployments.models import Deployment

from . import transitions

logger = logging.getLogger(__name__)


class RemoteState(enum.Enum):
    """What a deploy is at its host after the attempt to cancel it."""

    NOT_LIVE = "not live"
    LIVE = "it went live before it could be cancelled"
    UNKNOWN = "the host can't be reached"


def remote_id_of(host: Host, deployment: Deployment) -> str:
    """Return the id of a deploy; found by its title if it was not stored yet, empty if there is none."""
    if deployment.remote_id:
        return deployment.remote_id
    deploy = host.find_deploy(deployment.site.remote_id, deployment.title)
    return deploy.id if deploy else ""


def cancel_remote(deployment: Deployment, log: BuildLog) -> RemoteState:
    """Cancel a deploy at the host; a draft that is ready is deleted."""
    site = deployment.site
    try:
        host = host_for(deployment.owner_id, site.host, f"used to cancel {deployment}")
        remote_id = remote_id_of(host, deployment)
        if not remote_id:
            return RemoteState.NOT_LIVE
        host.cancel(remote_id)
        is_ready = host.deploy(site.remote_id, remote_id).state == State.READY
        if is_ready and deployment.draft:
            host.delete_deploy(remote_id)
        remote = host.site(site.remote_id)
    except (HostError, AccountProblem) as error:
        log.info(f"The deploy could not be cancelled at the host: {error}")
        return RemoteState.UNKNOWN
    transitions.update_running(deployment, remote_id=remote_id)
    is_shown = remote.live_deploy == remote_id or not remote.locked
    return RemoteState.LIVE if is_ready and not deployment.draft and is_shown else RemoteState.NOT_LIVE


def cancel_orphan(deployment: Deployment) -> None:
    """Cancel the deploy of a deployment that was deleted with its agent; nobody else can any more."""
    try:
        host = host_for(deployment.owner_id, deployment.site.host, f"used to cancel {deployment}")
        if remote_id := remote_id_of(host, deployment):
            host.cancel(remote_id)
    except (HostError, AccountProblem) as error:
        # The message may quote what was sent to the host, and no redactor of the owner applies here.
        reason = getattr(error, "reason", "account")
        logger.warning("The deploy of %s could not be cancelled: %s", deployment, reason)
