"""Tell machines whether the forge is ready, and how it is doing."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import secrets

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from agentforge.accounts.addresses import client_address
from agentforge.tenancy.rls import as_service

from . import diagnostics, metric_registry
from .diagnostics import State


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when requests can be served and jobs done, else 503; the reasons stand in the body."""
    checks = {}
    with as_service():
        for result in diagnostics.run_checks(readiness=True):
            checks[result.name] = {"state": result.finding.state, "says": result.finding.message}
    ready = all(check["state"] != State.FAILED for check in checks.values())
    return JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer Prometheus: with the password METRICS_TOKEN, or without one to this machine only."""
    if not _may_measure(request):
        if not settings.METRICS_TOKEN:
            raise Http404
        challenge = {"WWW-Authenticate": 'Basic realm="metrics"'}
        return HttpResponse("METRICS_TOKEN is the password.\n", "text/plain", 401, headers=challenge)
    with as_service():
        found = metric_registry.exposition()
    return HttpResponse(found, content_type="text/plain; version=0.0.4; charset=utf-8")


def _may_measure(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = _password(request.headers.get("Authorization", ""))
        return secrets.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    # What a proxy passes on comes from somebody else, also when the proxy runs here.
    if "X-Forwarded-For" in request.headers:
        return False
    try:
        return ipaddress.ip_address(client_address(request)).is_loopback
    except ValueError:
        return False


def _password(authorization: str) -> str:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
