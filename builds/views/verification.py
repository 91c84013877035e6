"""Verify a build, and serve the public key of the forge's signatures."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from agentforge.accounts.throttling.rate_limits import rate_limited
from agentforge.http import Request
from agentforge.negotiation import negotiated, success, wants_json
from builds.errors import NotPossible
from builds.package import signer
from builds.serializers import verification_json
from builds.verification import lifecycle

from .pages import build_of
from .responses import refused


@require_POST
@negotiated
@rate_limited("builds")
def build_verify(request: Request, pk: int) -> HttpResponse:
    build = build_of(request, pk)
    try:
        verification = lifecycle.enqueue(build, by=request.user)
    except NotPossible as refusal:
        return refused(request, refusal, build)
    if wants_json(request):
        return success(202, verification=verification_json(verification))
    return redirect(f"{build.get_absolute_url()}#verification")


@login_not_required
@require_safe
def signing_key(request: HttpRequest) -> HttpResponse:
    """Send the public key of the forge's signatures, for `agentforge-host verify --key`."""
    return HttpResponse(signer.own_key().pem, content_type="application/x-pem-file")
