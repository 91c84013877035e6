"""Tell programs from pages: only a program is handed tokens, and needs no CSRF token to sign in.

A browser adds `Origin` and `Sec-Fetch-*` to every POST of a page's script and lets no page leave them out,
and it sends the site's cookies. So a JSON request with none of them is no page's, neither one of this site,
whose JavaScript must not see a token, nor one of another, which could sign a visitor in as somebody else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from agentforge.accounts.identity.base import Tokens
from agentforge.negotiation import is_json

_OF_BROWSERS = ("Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest")


def is_script(request: HttpRequest) -> bool:
    """Tell whether a program asks, and no page in a browser."""
    return (
        is_json(request) and not request.COOKIES and not any(name in request.headers for name in _OF_BROWSERS)
    )


def open_to_scripts(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Ask pages for their CSRF token, and programs for none."""
    protected = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def inner(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponse:
        return (view if is_script(request) else protected)(request, *args, **kwargs)

    return inner


def tokens_json(tokens: Tokens) -> dict[str, str]:
    """Return what a program learns of its tokens."""
    return {
        "token_type": "bearer",
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "expires_at": tokens.expires_at.isoformat(),
    }
