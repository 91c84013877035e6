"""The names of a deployment's steps, as its page and its log show them."""

from __future__ import annotations

from deployments.hosts.base import HostKind

DIGEST = "Put the site together"
ENVIRONMENT = "Set the environment"
CREATE = "Create the deploy"
UPLOAD = "Upload"
WAIT = "Wait until it is live"
VERIFY = "Check the site"
STEPS = (DIGEST, ENVIRONMENT, CREATE, UPLOAD, WAIT, VERIFY)


def steps_of(kind: HostKind) -> tuple[str, ...]:
    """Return the steps of a deployment to a kind of host, in order."""
    return STEPS if kind.sets_variables else tuple(step for step in STEPS if step != ENVIRONMENT)
