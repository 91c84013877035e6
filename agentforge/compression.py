from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

_JSON = ("application/json", "application/problem+json", "application/schema+json")
_TEXT = ("text/", "application/yaml", *_JSON)


class TextCompressionMiddleware(GZipMiddleware):
    """Compresses pages and JSON, but neither downloads, which have ranges, nor what is still being written.

    Django pads the response by a random length and masks the CSRF token anew each time, so that its size
    tells nothing about a secret (BREACH).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_text = response.get("Content-Type", "").startswith(_TEXT)
        if response.streaming or not is_text or response.has_header("Accept-Ranges"):
            return response
        return super().process_response(request, response)
