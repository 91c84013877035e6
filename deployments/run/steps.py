"""The names of a deployment's steps, as its page and its log show them."""

from __future__ import annotations

from deployments.hosts.base import HostKind

DIGEST = "Put the site together"
ENVIRONMENT = "Set the environment"
CREATE = "Create the deploy"
UPLOAD = "Upload"
WAIT = "Wait until it is live"
WAIT_FOR_FILES = "Wait until it is complete"
VERIFY = "Check the site"
STEPS = (DIGEST, ENVIRONMENT, CREATE, UPLOAD, WAIT, VERIFY)


def steps_of(kind: HostKind) -> tuple[str, ...]:
    """Return the steps of a deployment to a kind of host, in order."""
    steps = STEPS if kind.sets_variables else tuple(step for step in STEPS if step != ENVIRONMENT)
    return tuple(name_of(step, kind) for step in steps)


def name_of(step: str, kind: HostKind) -> str:
    """Return the name of a step at a kind of host: only one that serves the site puts it live."""
    return WAIT_FOR_FILES if step == WAIT and not kind.serves else step
