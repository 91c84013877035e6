"""The request type of views that require a sign-in: what the middleware adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

if TYPE_CHECKING:
    from .accounts.models import User


class Request(HttpRequest):
    user: User
    claims: dict[str, Any]
    access_token: str
    htmx: HtmxDetails
    # Set while the identity service can't say who is asking.
    identity_unavailable: bool
