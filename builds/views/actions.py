"""Start, cancel and retry builds."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from agentforge.accounts.throttling.rate_limits import rate_limited
from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, posted, success, wants_json
from builds.errors import NotPossible
from builds.expectation import usual_durations
from builds.forms import TargetForm
from builds.models import Build
from builds.queue.fairness import QueueFull
from builds.remote.forms import BuilderForm
from builds.serializers import build_json
from builds.services import cancel_build, enqueue_build, retry_build
from configs.draft_check import check_draft
from configs.views.forms import agent_of

from .pages import build_of, compile_page
from .responses import draft_refused, queue_full, refused


@require_POST
@negotiated
@rate_limited("builds")
def build_compile(request: Request, pk: int) -> HttpResponse:
    agent = agent_of(request, pk)
    if errors := check_draft(agent):
        return draft_refused(request, agent, errors)
    form = TargetForm(posted(request), usual=usual_durations(agent.pk))
    if not form.is_valid():
        return form_failure(form) if wants_json(request) else compile_page(request, agent, form, status=422)
    try:
        build = enqueue_build(agent, request.user, form.cleaned_data["targets"])
    except QueueFull as refusal:
        return queue_full(request, refusal)
    return _started(request, build)


@require_POST
@negotiated
def build_cancel(request: Request, pk: int) -> HttpResponse:
    build = build_of(request, pk)
    try:
        cancel_build(build, by=request.user)
    except NotPossible as refusal:
        return refused(request, refusal, build)
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
    except QueueFull as refusal:
        return queue_full(request, refusal)
    except NotPossible as refusal:
        return refused(request, refusal, build)
    return _started(request, again)


@require_POST
@negotiated
@rate_limited("builds")
def build_retry_elsewhere(request: Request, pk: int) -> HttpResponse:
    build = build_of(request, pk)
    form = BuilderForm(posted(request))
    if not form.is_valid():
        if wants_json(request):
            return form_failure(form)
        messages.error(request, "There is no such builder. Nothing was started.")
        return redirect(build)
    try:
        again = retry_build(build, by=request.user, builder=form.cleaned_data["builder"])
    except QueueFull as refusal:
        return queue_full(request, refusal)
    except NotPossible as refusal:
        return refused(request, refusal, build)
    return _started(request, again)


def _started(request: Request, build: Build) -> HttpResponse:
    return success(201, build=build_json(build)) if wants_json(request) else redirect(build)
