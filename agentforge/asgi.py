"""The ASGI application: pages through Django, live streams outside its handler."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import IO, Any

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import path, re_path

# Not a default: the shell may name the settings of another project.
os.environ["DJANGO_SETTINGS_MODULE"] = "agentforge.settings"


class Pages(ASGIHandler):
    """Serves pages; closes a request's body with its task, even if the server cancels it."""

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response, and to HEAD no body.

        Of one that is streamed, the server would hold back the first piece alone. Whoever reads on takes the
        others for the answer to the next request, which on a proxy's connection is somebody else's.
        """
        response = await super().get_response_async(request)
        if request.method == "HEAD" and isinstance(response, StreamingHttpResponse):
            response.streaming_content = _nothing()
        return response

    async def read_body(self, receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> IO[bytes]:
        """Return the body as a file; Django leaves closing it to the garbage collector on cancellation."""
        body = await super().read_body(receive)
        if (request := asyncio.current_task()) is not None:
            request.add_done_callback(lambda _: body.close())
        return body


async def _nothing() -> AsyncIterator[bytes]:
    pieces: tuple[bytes, ...] = ()
    for piece in pieces:
        yield piece


def _application() -> Any:
    django.setup(set_prefix=False)
    pages: Any = Pages()
    # Imported here: these need the apps that the line above loads.
    from channels.routing import ProtocolTypeRouter, URLRouter

    from .live.consumer import live
    from .telemetry.requests import RequestLog

    streams: Any = live
    if settings.AGENTFORGE_ROLE == "builder":
        return RequestLog(pages)
    routes = URLRouter([path("live/", streams), re_path("", pages)])
    return RequestLog(ProtocolTypeRouter({"http": routes}))


application = _application()
