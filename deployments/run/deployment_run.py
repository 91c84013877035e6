"""What the stages of a deployment share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.utils.text import capfirst

from agentforge.tenancy.connections import give_back
from builds.logs.build_log import BuildLog
from deployments.accounts.host_accounts import host_for
from deployments.hosts.base import Entry, Host, RemoteDeploy, Stopped
from deployments.models import Deployment, Site

from . import transitions


class Superseded(Exception):
    """Another job owns this deployment now, or it was deleted."""


@dataclass
class StopRequest:
    """Asks the thread of a deployment to end; `handing_over`: another worker resumes it."""

    event: threading.Event = field(default_factory=threading.Event)
    handing_over: bool = False


class DeploymentRun:
    """One attempt to carry out a deployment; `entries` and `deploy` pass from stage to stage.

    Raises AccountProblem when its host can't be used.
    """

    entries: list[Entry]
    deploy: RemoteDeploy

    def __init__(
        self,
        deployment: Deployment,
        log: BuildLog,
        write: Callable[[dict[str, Any]], None],
        stop: threading.Event,
    ) -> None:
        self.deployment = deployment
        self.site: Site = deployment.site
        self.log = log
        self.write = write
        self.stop = stop
        self.host: Host = host_for(
            deployment.owner_id, self.site.host, f"used by {deployment}", self.sleep, self._report_wait
        )
        self.host_name = capfirst(self.host.kind.label)

    def check(self) -> None:
        """Raise Stopped after a cancel request, even before the queue reports it, and Superseded."""
        if self.stop.is_set() or transitions.is_cancel_requested(self.deployment):
            raise Stopped
        if not transitions.exists(self.deployment):
            raise Superseded
        # Hold no pooled connection while waiting for the host.
        give_back()

    def sleep(self, seconds: float) -> None:
        """Raises Stopped as soon as the deployment is to stop."""
        if self.stop.wait(seconds):
            raise Stopped

    def store(self, **fields: object) -> None:
        """Store fields of the deployment; raises Superseded when this job no longer owns it."""
        if not transitions.update_running(self.deployment, **fields):
            raise Superseded
        give_back()

    def refresh_deploy(self) -> None:
        self.deploy = self.host.deploy(self.site.remote_id, self.deployment.remote_id)

    def _report_wait(self, message: str, seconds: float) -> None:
        self.log.info(message)
        self.write({"kind": "wait", "words": message, "until": time.time() + seconds})
