from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the client's network address.

    Only the last TRUSTED_PROXIES entries of X-Forwarded-For count: anyone can send the header, and each
    trusted proxy appends the address that it saw.
    """
    direct: str = request.META.get("REMOTE_ADDR") or ""
    hops: int = settings.TRUSTED_PROXIES
    forwarded: list[str] = [
        part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part
    ]
    if hops <= 0 or len(forwarded) < hops:
        return direct
    return forwarded[-hops]
