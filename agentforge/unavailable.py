"""The answer to a request that can't be carried out at present."""

from __future__ import annotations

from django.http import HttpResponse


class Unavailable(HttpResponse):
    """A text that says why, and whether anything was changed: ErrorPageMiddleware makes people a page of it.

    It may be tried again in `retry_after` seconds.
    """

    def __init__(self, reason: str, *, retry_after: int) -> None:
        headers = {"Retry-After": str(retry_after)}
        super().__init__(f"{reason}\n", status=503, content_type="text/plain", headers=headers)
        self.reason = reason
