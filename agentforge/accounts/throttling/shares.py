"""How much of a process's connections and slow work one sender may hold at once (law 9)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponseBase

from agentforge.accounts.addresses import client_address
from agentforge.probe_hosts import is_health_check
from agentforge.tenancy.request_transaction import Share, pool_size

from .rate_limits import bare_limit_page
from .throttle import address_subject

SLOW_PER_PERSON = 4
# An office shares one address.
SLOW_PER_ADDRESS = 24


# Connections that only health checks take.
SPARE_CONNECTIONS = 2


class ShareMiddleware:
    """Gives each request its sender's share: the person's, or the network address's without a sign-in.

    Half of the connections at most are one sender's, and a third is kept for people who are signed in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        cast(Any, request).share = _share(request)
        return self.get_response(request)


def _share(request: HttpRequest) -> Share:
    refuse = functools.partial(bare_limit_page, request)
    if is_health_check(request):
        return Share(connections={"health": SPARE_CONNECTIONS}, refuse=refuse)
    total = max(1, pool_size() - SPARE_CONNECTIONS)
    half, everybody = max(1, total // 2), {"everybody": total}
    address = address_subject("address", client_address(request)) or "address unknown"
    if not request.user.is_authenticated:
        visitors = {"visitors": max(1, total - total // 3)}
        connections = {address: half, **visitors, **everybody}
        return Share(connections, slow_work={address: SLOW_PER_ADDRESS}, refuse=refuse)
    person = f"person {request.user.pk}"
    slow_work = {person: SLOW_PER_PERSON, address: SLOW_PER_ADDRESS}
    return Share({person: half, **everybody}, slow_work, refuse)
