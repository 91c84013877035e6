"""Problem details for scripts (RFC 9457), whatever part of Django responds."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from .negotiation import wants_json
from .telemetry.context import current_request_id

_DETAILS = {
    HTTPStatus.BAD_REQUEST: "The request can't be understood. Nothing was changed.",
    HTTPStatus.FORBIDDEN: (
        "You may not do this, or the CSRF token for a session cookie is missing. Nothing was changed."
    ),
    HTTPStatus.NOT_FOUND: "There is nothing at this URL, or it belongs to another user.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong here. Nothing was changed.",
}
_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate", "Vary", "Cache-Control")


def problem(status: int, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> JsonResponse:
    """Return an error as application/problem+json; `more` are further members."""
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JsonResponse(body, status=status, content_type="application/problem+json", headers=headers)


class ProblemMiddleware:
    """Turns error pages into application/problem+json for clients that prefer JSON."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code < 400 or not isinstance(response, HttpResponse) or not wants_json(request):
            return response
        if "json" in response.get("Content-Type", ""):
            return response
        reply = problem(response.status_code, _detail(response), **_request_id(response))
        for name in _HEADERS:
            if name in response:
                reply[name] = response[name]
        reply.cookies = response.cookies
        return reply


def _request_id(response: HttpResponse) -> dict[str, Any]:
    """Return what an operator needs to find a fault in the log."""
    is_fault = response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    return {"request_id": current_request_id()} if is_fault else {}


def _detail(response: HttpResponse) -> str:
    if response.get("Content-Type", "").startswith("text/plain"):
        return response.content.decode(errors="replace").strip()
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"This URL accepts only {response.get('Allow', 'other methods')}."
    status = HTTPStatus(response.status_code)
    return _DETAILS.get(status) or status.description or status.phrase
