from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

# Pages load nothing from other sites and contain no inline script or style; see https://www.w3.org/TR/CSP3/.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "base-uri 'none'",
        "object-src 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class ContentPolicyMiddleware:
    """Adds the policy that restricts pages to the forge's own files to every response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", POLICY)
        return response
