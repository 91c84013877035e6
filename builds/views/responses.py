"""Answer with bytes as they come, under either kind of server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from agentforge.tenancy.connections import give_back


async def _in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Take each piece in a thread, so that reading a disk or a database does not hold the server."""
    while (piece := await asyncio.to_thread(_next, pieces)) is not None:
        yield piece


def _next(pieces: Iterator[bytes]) -> bytes | None:
    try:
        return next(pieces, None)
    finally:
        # The next piece may be taken in another thread, or never, when the client has gone.
        give_back()


def streamed(request: HttpRequest, pieces: Iterator[bytes], content_type: str) -> StreamingHttpResponse:
    """Return a response that sends pieces as they come; browsers must not guess another type."""
    content = _in_threads(pieces) if isinstance(request, ASGIRequest) else pieces
    response = StreamingHttpResponse(content, content_type=content_type)
    response["X-Content-Type-Options"] = "nosniff"
    return response
