from __future__ import annotations

import uuid
from typing import Any

API_VERSION_HEADER = "X-Supabase-Api-Version"
FIRST_DATED_VERSION = "2024-01-01"


class Refused(Exception):
    """A refusal in the service's words: HTTP status, error code, message."""

    def __init__(self, status: int, code: str, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.extra = status, code, message, extra

    def answer(self, version: str) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Return status, body and headers as an asker of an API version gets them."""
        # A hook's own refusal has no header, nor has a weak password with a dated version.
        is_plain = self.code == "unknown" or (self.code == "weak_password" and version >= FIRST_DATED_VERSION)
        headers = {} if is_plain else {"x-sb-error-code": self.code}
        if version >= FIRST_DATED_VERSION:
            headers[API_VERSION_HEADER] = FIRST_DATED_VERSION
            return self.status, {"code": self.code, "message": self.message, **self.extra}, headers
        body = {"code": self.status, "error_code": self.code, "msg": self.message, **self.extra}
        if self.status >= 500:
            body["error_id"] = str(uuid.uuid4())
        return self.status, body, headers


def invalid(message: str, status: int = 400) -> Refused:
    return Refused(status, "validation_failed", message)


def weak_password(message: str, *reasons: str) -> Refused:
    return Refused(422, "weak_password", message, weak_password={"reasons": list(reasons)})
