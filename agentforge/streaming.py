"""Streaming responses, for ASGI and WSGI servers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import IO

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from agentforge.tenancy.connections import give_back

# A smaller piece costs more on its way through a thread and the event loop than it takes to make.
_PORTION = 64 * 1024


def _portions(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Join pieces to portions of at least 64 KB, but for the last one."""
    gathered: list[bytes] = []
    size = 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size >= _PORTION:
            yield b"".join(gathered)
            gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)


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
    portions = _portions(pieces)
    content = _in_threads(portions) if isinstance(request, ASGIRequest) else portions
    response = StreamingHttpResponse(content, content_type=content_type)
    response["X-Content-Type-Options"] = "nosniff"
    return response


def streamed_file(request: HttpRequest, file: IO[bytes], content_type: str) -> StreamingHttpResponse:
    """Return a streaming response with a file's content, which closes the file at its end."""
    response = streamed(request, iter(partial(file.read, _PORTION), b""), content_type)
    response["Content-Length"] = str(os.fstat(file.fileno()).st_size)
    # As django.http.FileResponse does, which reads the whole file into memory under ASGI.
    response._resource_closers.append(file.close)  # type: ignore[attr-defined] # not in the stubs
    return response
