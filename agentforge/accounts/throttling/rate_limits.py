"""Bound what costs something (builds, messages, key tests, searches) per person and per network address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import Resolver404, resolve

from agentforge.accounts.addresses import client_address
from agentforge.negotiation import wants_json
from agentforge.problems import problem

from .throttle import Throttle, address_subject

View = TypeVar("View", bound=Callable[..., HttpResponse])

WINDOW = timedelta(minutes=10)
# An office goes out by one address.
PEOPLE_PER_ADDRESS = 5


class LimitReached(Exception):
    """Say that something of a kind was asked for too often, and when it may be asked for again."""

    def __init__(self, kind: str, retry_after: int) -> None:
        self.retry_after = retry_after
        minutes = -(-retry_after // 60)
        unit = "minute" if minutes == 1 else "minutes"
        super().__init__(f"Too many {kind} within a short time: not done. Try again in {minutes} {unit}.")


def rate_limited(
    kind: str, refused: Callable[..., HttpResponse] | None = None, *, method: str = "POST"
) -> Callable[[View], View]:
    """Let a view be asked by `method` as often as RATE_LIMITS says of a kind.

    Over the limit people get the page that `refused(request, refusal, *args, **kwargs)` makes, as a 429: with
    what was typed, where something was.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def inner(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponse:
            refusal: LimitReached | None = getattr(request, "limit_reached", None)
            if refusal is None:
                return view(request, *args, **kwargs)
            if refused is None:
                response = render(request, "429.html", {"refusal": refusal})
            else:
                response = refused(request, refusal, *args, **kwargs)
            response.status_code = 429
            response["Retry-After"] = str(refusal.retry_after)
            return response

        cast(Any, inner).rate_limit = kind
        cast(Any, inner).rate_limit_method = method
        return cast(View, inner)

    return decorate


class RateLimitMiddleware:
    """Count what views marked `rate_limited` are asked for; scripts over the limit hear of it here.

    The count is its own transaction: it stays when the request fails, and a slow request holds no lock on it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        refusal = _counted(request) if request.user.is_authenticated else None
        if refusal is not None and wants_json(request):
            return problem(429, str(refusal), headers={"Retry-After": str(refusal.retry_after)})
        cast(Any, request).limit_reached = refusal
        return self.get_response(request)


def _counted(request: HttpRequest) -> LimitReached | None:
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return None
    kind = getattr(view, "rate_limit", "")
    if not kind or request.method != getattr(view, "rate_limit_method", ""):
        return None
    limit = settings.RATE_LIMITS.get(kind, 0)
    if limit <= 0:
        return None
    limits = {f"{kind} person {request.user.pk}": limit}
    if subject := address_subject(kind, client_address(request)):
        limits[subject] = limit * PEOPLE_PER_ADDRESS
    with transaction.atomic():
        seconds = Throttle(limits, window=WINDOW).take()
    return LimitReached(kind, seconds) if seconds else None
