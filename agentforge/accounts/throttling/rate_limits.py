"""Rate limits for costly actions (builds, messages, key tests, searches), per user and network address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve

from agentforge.accounts.addresses import client_address
from agentforge.negotiation import wants_json
from agentforge.problems import problem
from agentforge.tenancy.slots import Busy

from .throttle import Throttle, address_subject

View = TypeVar("View", bound=Callable[..., HttpResponse])

WINDOW = timedelta(minutes=10)
# An office shares one address.
PEOPLE_PER_ADDRESS = 5


class LimitReached(Exception):
    """Too many requests of one kind; the next one is accepted in `retry_after` seconds."""

    def __init__(self, kind: str, retry_after: int) -> None:
        self.retry_after = retry_after
        minutes = -(-retry_after // 60)
        unit = "minute" if minutes == 1 else "minutes"
        super().__init__(f"Too many {kind} within a short time: not done. Try again in {minutes} {unit}.")


def rate_limited(
    kind: str, refused: Callable[..., HttpResponse] | None = None, *, method: str = "POST"
) -> Callable[[View], View]:
    """Limit a view's requests by `method` to what RATE_LIMITS allows for a kind.

    Over the limit, browsers get the page of `refused(request, refusal, *args, **kwargs)` as a 429, which
    keeps what was typed.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def inner(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponse:
            refusal: LimitReached | None = getattr(request, "limit_reached", None)
            if refusal is None:
                return view(request, *args, **kwargs)
            if refused is None:
                return limit_page(request, refusal)
            response = refused(request, refusal, *args, **kwargs)
            response.status_code = 429
            response["Retry-After"] = str(refusal.retry_after)
            return response

        cast(Any, inner).rate_limit = kind
        cast(Any, inner).rate_limit_method = method
        return cast(View, inner)

    return decorate


class RateLimitMiddleware:
    """Counts requests to views marked `rate_limited`, and answers scripts over the limit.

    Counting is its own transaction: it persists if the request fails, and a slow request does not lock it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        kind = _kind_of(request) if request.user.is_authenticated else ""
        refusal = count(kind, request.user.pk, client_address(request)) if kind else None
        if refusal is not None and wants_json(request):
            return limit_page(request, refusal)
        cast(Any, request).counted_limit = kind
        cast(Any, request).limit_reached = refusal
        return self.get_response(request)


def limit_page(request: HttpRequest, refusal: LimitReached) -> HttpResponse:
    """Return the response to a request over a limit."""
    if wants_json(request):
        return bare_limit_page(request, refusal)
    response = render(request, "429.html", {"refusal": refusal}, status=429)
    response["Retry-After"] = str(refusal.retry_after)
    return response


def bare_limit_page(request: HttpRequest, refusal: LimitReached | Busy) -> HttpResponse:
    """Return the same response without a query, for a request whose transaction has failed or never began."""
    headers = {"Retry-After": str(refusal.retry_after)}
    if wants_json(request):
        return problem(429, str(refusal), headers=headers)
    return HttpResponse(render_to_string("429.html", {"refusal": refusal}), status=429, headers=headers)


def _kind_of(request: HttpRequest) -> str:
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return ""
    # HEAD does what GET does, and leaves out the body.
    method = "GET" if request.method == "HEAD" else request.method
    return getattr(view, "rate_limit", "") if method == getattr(view, "rate_limit_method", "") else ""


def count(kind: str, user_id: UUID | None, address: str) -> LimitReached | None:
    """Count one request of a kind; return the refusal if it is over a limit."""
    limit = settings.RATE_LIMITS.get(kind, 0)
    if limit <= 0:
        return None
    limits = {f"{kind} person {user_id}": limit}
    if subject := address_subject(kind, address):
        limits[subject] = limit * PEOPLE_PER_ADDRESS
    with transaction.atomic():
        seconds = Throttle(limits, window=WINDOW).take()
    return LimitReached(kind, seconds) if seconds else None
