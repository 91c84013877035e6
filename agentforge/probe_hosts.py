"""Let load balancers, Kubernetes and Prometheus ask by address, whatever names the forge has."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.http.request import split_domain_port, validate_host

from .environment import Network

# Answered by the process alone: without a transaction, and with the database away.
LIVENESS = "/livez"
_HEALTH = re.compile(r"/(livez|healthz|readyz(/workers(/[\w-]+)?)?)")
_METRICS = "/metrics"
# What proxies add to a request: the standard's headers, and those of common servers and services.
_FORWARDING = re.compile(
    r"forwarded|via|x-forwarded.*|x-original-.*|x-(real|client|cluster-client|appengine-user|envoy-external)-.*"
    r"|true-client-.*|(cf|fastly|fly|do|x-nf|x-vercel|x-azure|x-amz|x-arr)-.*|cdn-loop|client-ip|x-proxy.*",
    re.IGNORECASE,
)


class ProbeHostMiddleware:
    """Gives a probe that names an address as its host one of the forge's names, if its network is trusted.

    Of all others Django demands a name in ALLOWED_HOSTS: so a page on a foreign name that leads here
    (DNS rebinding) reads nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if (
            is_probe(request.path_info)
            and _names_an_address(request)
            and is_from(request, settings.PROBE_NETWORKS)
        ):
            request.META["HTTP_HOST"] = own_host()
        return self.get_response(request)


def is_health_check(request: HttpRequest) -> bool:
    """Return whether a request asks how the forge is, which it has to say under any load."""
    return _HEALTH.fullmatch(request.path_info) is not None


def is_probe(path: str) -> bool:
    """Return whether a path is one that load balancers, orchestrators and Prometheus ask."""
    return path == _METRICS or _HEALTH.fullmatch(path) is not None


def is_forwarded(request: HttpRequest) -> bool:
    """Return whether a proxy passed the request on: it comes from elsewhere, even if the proxy runs here."""
    return any(_FORWARDING.fullmatch(name) for name in request.headers)


def is_from(request: HttpRequest, networks: Sequence[Network]) -> bool:
    """Return whether a request comes straight from a machine of these networks."""
    if is_forwarded(request):
        return False
    try:
        peer = ipaddress.ip_address(request.META.get("REMOTE_ADDR") or "")
    except ValueError:
        return False
    address = getattr(peer, "ipv4_mapped", None) or peer
    return any(address in network for network in networks)


def is_address(host: str) -> bool:
    """Return whether a host is an address (IPv6 with or without brackets) or `localhost`."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost"
    return True


def own_host() -> str:
    """Return a host name that the forge answers to."""
    named = (host for host in settings.ALLOWED_HOSTS if "*" not in host)
    return next(named, "localhost").removeprefix(".")


def _names_an_address(request: HttpRequest) -> bool:
    """Return whether the host is an address or `localhost`, and none of the names that are allowed."""
    host, _ = split_domain_port(request.META.get("HTTP_HOST", ""))
    return is_address(host) and not validate_host(host, settings.ALLOWED_HOSTS)
