"""Responses that several views share: streams for ASGI and WSGI servers, and refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from django.contrib import messages
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect

from agentforge.http import Request
from agentforge.negotiation import WHOLE_BODY, failure, wants_json
from agentforge.tenancy.connections import give_back
from builds.errors import NotPossible
from builds.models import Build


def refused(request: Request, refusal: NotPossible, page: Build | str) -> HttpResponse:
    """Answer scripts with 409; redirect browsers to `page` (a row or a URL), which shows the refusal."""
    if wants_json(request):
        return failure({WHOLE_BODY: [str(refusal)]}, status=409)
    messages.warning(request, str(refusal))
    return redirect(page)


async def _in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Read each piece in a thread, so that disk and database reads do not block the event loop."""
    while (piece := await asyncio.to_thread(_next, pieces)) is not None:
        yield piece


def _next(pieces: Iterator[bytes]) -> bytes | None:
    try:
        return next(pieces, None)
    finally:
        # The next piece may be read in another thread, or never if the client disconnects.
        give_back()


def streamed(request: HttpRequest, pieces: Iterator[bytes], content_type: str) -> StreamingHttpResponse:
    """Return a streaming response whose content type browsers must not override."""
    content = _in_threads(pieces) if isinstance(request, ASGIRequest) else pieces
    response = StreamingHttpResponse(content, content_type=content_type)
    response["X-Content-Type-Options"] = "nosniff"
    return response
