"""Answer scripts with problem details (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus

from django.http import JsonResponse


def problem(status: int, detail: str, *, headers: dict[str, str] | None = None) -> JsonResponse:
    """Return an error as application/problem+json."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JsonResponse(body, status=status, content_type="application/problem+json", headers=headers)
