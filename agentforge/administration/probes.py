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
from agentforge.worker_liveness import services

from . import diagnostics, metric_registry
from .diagnostics import State

_THIS_MACHINE = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Return 200 if this process can serve requests, else 503; the body gives the reasons.

    It says how workers are as well, which takes no web process out: pages, logs and downloads need none.
    """
    checks = {}
    with as_service():
        for result in diagnostics.run_checks(readiness=True):
            checks[result.name] = {"state": result.finding.state, "says": result.finding.message}
        ready = all(check["state"] != State.FAILED for check in checks.values())
        queues = {} if checks["database"]["state"] == State.FAILED else _queues()
    return JsonResponse({"ready": ready, "checks": checks, "queues": queues}, status=200 if ready else 503)


@login_not_required
@never_cache
@require_safe
def workers_readyz(request: HttpRequest, queue: str = "") -> JsonResponse:
    """Return 200 if a living worker takes each queue, or the one that is named, else 503."""
    with as_service():
        queues = {name: facts for name, facts in _queues().items() if queue in ("", name)}
    if not queues:
        raise Http404
    ready = all(facts["workers"] for facts in queues.values())
    return JsonResponse({"ready": ready, "queues": queues}, status=200 if ready else 503)


def _queues() -> dict[str, dict[str, str | int]]:
    found: dict[str, dict[str, str | int]] = {}
    for service in services():
        unserved = State.FAILED if service.is_down else State.WARNING
        found[service.queue] = {
            "state": unserved if service.problem else State.OK,
            "says": service.problem,
            "workers": service.workers,
            "preparing": service.preparing,
            "waiting": service.waiting,
            "running": service.running,
        }
    return found


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
