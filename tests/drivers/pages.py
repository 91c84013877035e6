"""Read pages as a browser shows them."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase


def shown(response: HttpResponseBase) -> str:
    """Return a page's HTML with every run of whitespace as one space."""
    assert isinstance(response, HttpResponse)
    return " ".join(response.content.decode().split())
