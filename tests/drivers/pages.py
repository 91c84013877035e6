"""Read pages as a browser shows them."""

from __future__ import annotations

from django.http import HttpResponse


def shown(response: HttpResponse) -> str:
    """Return a page's HTML with every run of whitespace as one space."""
    return " ".join(response.content.decode().split())
