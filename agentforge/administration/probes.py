"""Probes for machines: readiness and metrics."""

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

from agentforge.probe_hosts import is_from
from agentforge.tenancy.rls import as_service

from . import diagnostics, metric_registry
from .diagnostics import State

_THIS_MACHINE = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Return 200 if requests can be served and jobs run, else 503; the body gives the reasons."""
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
    """Serve Prometheus metrics, with the password METRICS_TOKEN, or without one to this machine only."""
    if not _is_authorized(request):
        if not settings.METRICS_TOKEN:
            raise Http404
        challenge = {"WWW-Authenticate": 'Basic realm="metrics"'}
        return HttpResponse("METRICS_TOKEN is the password.\n", "text/plain", 401, headers=challenge)
    with as_service():
        text = metric_registry.exposition()
    return HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _is_authorized(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        password = _password(request.headers.get("Authorization", ""))
        return secrets.compare_digest(password.encode(), settings.METRICS_TOKEN.encode())
    return is_from(request, _THIS_MACHINE)


def _password(authorization: str) -> str:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
