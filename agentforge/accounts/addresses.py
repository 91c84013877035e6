from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the client's network address."""
    return forwarded_address(
        request.META.get("REMOTE_ADDR") or "", request.META.get("HTTP_X_FORWARDED_FOR", "")
    )


def forwarded_address(direct: str, forwarded_for: str) -> str:
    """Return the client's address from its connection's and the header X-Forwarded-For.

    Only the last TRUSTED_PROXIES entries count: anyone can send the header, and each trusted proxy appends
    the address that it saw.
    """
    hops: int = settings.TRUSTED_PROXIES
    entries = [part.strip() for part in forwarded_for.split(",") if part]
    if hops <= 0 or len(entries) < hops:
        return direct
    return entries[-hops]
