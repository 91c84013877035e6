"""How an attempt to carry out a deployment ends."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from deployments.models import DeploymentStatus


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
