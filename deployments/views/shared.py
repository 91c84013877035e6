"""What the views of deployments share: access to rows, and the response to a refusal."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from agentforge.http import Request
from agentforge.negotiation import WHOLE_BODY, failure, wants_json
from deployments.accounts.host_accounts import AccountProblem
from deployments.errors import NotPossible
from deployments.hosts.base import HostError
from deployments.models import Deployment, Site

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def deployment_of(request: Request, pk: int) -> Deployment:
    """Return the user's deployment; raises 404 for anybody else's."""
    rows = Deployment.objects.owned_by(request.user)
    deployment: Deployment = get_object_or_404(rows.select_related("site__agent", "build", "revision"), pk=pk)
    return deployment


def site_at(request: Request, pk: int) -> Site:
    """Return the user's site; raises 404 for anybody else's and for a deleted one."""
    rows = Site.objects.owned_by(request.user).filter(deleted_at=None).select_related("agent")
    site: Site = get_object_or_404(rows, pk=pk)
    return site


def shows_refusals(back: Callable[[Request, int], str]) -> Callable[[View], View]:
    """Show why an action was refused: scripts get 409, browsers are redirected to `back`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def inner(request: Request, /, pk: int, **kwargs: Any) -> HttpResponseBase:
            try:
                return view(request, pk, **kwargs)
            except (NotPossible, AccountProblem, HostError) as refusal:
                if wants_json(request):
                    return failure({WHOLE_BODY: [str(refusal)]}, status=409)
                messages.warning(request, str(refusal))
                return redirect(back(request, pk))

        return cast(View, inner)

    return decorate


def to_agent(request: Request, pk: int) -> str:
    return reverse("deployments:agent", args=[pk])


def to_site(request: Request, pk: int) -> str:
    return reverse("deployments:agent", args=[site_at(request, pk).agent_id])


def to_deployment(request: Request, pk: int) -> str:
    return reverse("deployments:detail", args=[pk])
