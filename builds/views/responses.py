"""Responses that several views share: streams for ASGI and WSGI servers, and refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping

from django.contrib import messages
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render

from agentforge.http import Request
from agentforge.negotiation import WHOLE_BODY, failure, wants_json
from agentforge.problems import problem
from agentforge.tenancy.connections import give_back
from builds.errors import NotPossible
from builds.models import Build, BuildStatus
from builds.queue.fairness import QueueFull
from builds.queue.position import places
from configs.models import AgentConfig
from configs.validation import Errors


def refused(request: Request, refusal: NotPossible, page: Build | str) -> HttpResponse:
    """Answer scripts with 409; redirect browsers to `page` (a row or a URL), which shows the refusal."""
    if wants_json(request):
        return failure({WHOLE_BODY: [str(refusal)]}, status=409)
    messages.warning(request, str(refusal))
    return redirect(page)


def draft_refused(request: Request, agent: AgentConfig, errors: Mapping[str, Errors]) -> HttpResponse:
    """Answer with the errors of a draft, by tab and field, that nothing was started with."""
    if wants_json(request):
        return failure(
            {f"{tab}.{name}": texts for tab, fields in errors.items() for name, texts in fields.items()}
        )
    messages.error(request, "Nothing was started: first correct the fields marked here.")
    return redirect(f"configs:{next(iter(errors))}", pk=agent.pk)


def queue_full(request: Request, refusal: QueueFull) -> HttpResponse:
    """Answer with 429; Retry-After is when the person's first queued build is expected to start."""
    own = places(Build.objects.owned_by(request.user).filter(status=BuildStatus.QUEUED))
    waits = [place.wait.total_seconds() for place in own.values() if place.wait is not None]
    seconds = str(max(1, round(min(waits, default=60))))
    if wants_json(request):
        return problem(429, str(refusal), headers={"Retry-After": seconds})
    response = render(request, "429.html", {"refusal": refusal}, status=429)
    response["Retry-After"] = seconds
    return response


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
