"""Download the files of a deployment to an own server."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.http import Request
from agentforge.streaming import streamed
from deployments.errors import NotPossible
from deployments.hosts.registry import SELF_HOST
from deployments.hosts.selfhost.archive import tree_of
from deployments.models import DeploymentStatus

from .shared import deployment_of, shows_refusals, to_deployment


@require_safe
@shows_refusals(to_deployment)
def download(request: Request, pk: int) -> HttpResponseBase:
    """Send the pages, programs and instructions of a deployment as one tar.gz."""
    deployment = deployment_of(request, pk)
    if deployment.site.host != SELF_HOST or deployment.status != DeploymentStatus.SUCCEEDED:
        raise NotPossible("Only a successful deployment to your own server has an archive.")
    tree = tree_of(deployment.owner_id, deployment.remote_id)
    response = streamed(request, tree.tar(), "application/gzip")
    name = f"{deployment.site.name}-{deployment.pk}.tar.gz"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or ""
    response["Cache-Control"] = "private, no-store"
    if request.method == "GET":
        record(Action.DEPLOY_DOWNLOADED, owner=deployment.owner_id, subject=deployment)
    return response
