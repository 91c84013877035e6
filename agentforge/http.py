"""Name what the middleware adds to a request, for views that only signed-in people reach."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from .accounts.models import User


class Request(HttpRequest):
    user: User
    claims: dict[str, Any]
    access_token: str
    htmx: HtmxDetails
