"""Start, cancel and repeat builds."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from agentforge.accounts.limits import rate_limited
from agentforge.negotiation import WHOLE_BODY, failure, negotiated, success, wants_json
from agentforge.requests import Request
from builds.errors import NotPossible
from builds.models import Build
from builds.readiness import problems
from builds.serializers import build_json
from builds.services import cancel_build, enqueue_build, retry_build
from builds.views.pages import build_of
from configs.views.forms import agent_of


@require_POST
@negotiated
@rate_limited("builds")
def build_compile(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    if wrong := problems(agent):
        if wants_json(request):
            return failure(
                {f"{tab}.{name}": said for tab, found in wrong.items() for name, said in found.items()}
            )
        tab = next(iter(wrong))
        messages.error(request, "This can't be compiled yet. Nothing was started; mend what is marked here.")
        return redirect(f"{reverse(f'configs:{tab}', args=[agent.pk])}?check=1")
    return _started(request, enqueue_build(agent, by=request.user))


@require_POST
@negotiated
def build_cancel(request: Request, pk: int) -> HttpResponse:
    build = build_of(request, pk)
    try:
        cancel_build(build, by=request.user)
    except NotPossible as refusal:
        return _refused(request, build, refusal)
    if wants_json(request):
        build.refresh_from_db()
        return success(build=build_json(build))
    return redirect(build)


@require_POST
@negotiated
@rate_limited("builds")
def build_retry(request: Request, pk: int) -> HttpResponse:
    build = build_of(request, pk)
    try:
        again = retry_build(build, by=request.user)
    except NotPossible as refusal:
        return _refused(request, build, refusal)
    return _started(request, again)


def _started(request: Request, build: Build) -> HttpResponse:
    return success(201, build=build_json(build)) if wants_json(request) else redirect(build)


def _refused(request: Request, build: Build, refusal: NotPossible) -> HttpResponse:
    if wants_json(request):
        return failure({WHOLE_BODY: [str(refusal)]}, status=409)
    messages.warning(request, str(refusal))
    return redirect(build)
