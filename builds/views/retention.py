"""Pin and unpin the files of a build."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from agentforge.accounts.models import User
from agentforge.http import Request
from agentforge.negotiation import negotiated, success, wants_json
from builds.artifacts import retention
from builds.errors import NotPossible
from builds.models import Build
from builds.serializers import build_json

from .pages import build_of
from .responses import refused


@require_POST
@negotiated
def build_pin(request: Request, pk: int) -> HttpResponse:
    return _change(request, pk, retention.pin, "The files are kept until you unpin them.")


@require_POST
@negotiated
def build_unpin(request: Request, pk: int) -> HttpResponse:
    return _change(request, pk, retention.unpin, "Unpinned: the files will expire.")


def _change(request: Request, pk: int, change: Callable[[Build, User], None], done: str) -> HttpResponse:
    build = build_of(request, pk)
    try:
        change(build, request.user)
    except NotPossible as refusal:
        return refused(request, refusal, build)
    if wants_json(request):
        return success(build=build_json(build))
    messages.success(request, done)
    return redirect(build)
