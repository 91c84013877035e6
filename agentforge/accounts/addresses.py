from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the network address of the asker.

    X-Forwarded-For counts only as far as TRUSTED_PROXIES say: anyone can send the header, and each trusted
    proxy appends the address that it saw.
    """
    direct: str = request.META.get("REMOTE_ADDR") or ""
    hops: int = settings.TRUSTED_PROXIES
    forwarded: list[str] = [
        part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part
    ]
    if hops <= 0 or len(forwarded) < hops:
        return direct
    return forwarded[-hops]
