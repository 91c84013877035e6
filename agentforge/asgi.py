"""Serve AgentForge: pages through Django; live streams are mounted outside its handler."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import IO, Any

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.urls import path, re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentforge.settings")


class Pages(ASGIHandler):
    """Serve pages; a request's body is closed with its task, also with one that the server cancels."""

    async def read_body(self, receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> IO[bytes]:
        """Return the body as a file; Django leaves that of a cancelled request to the garbage collector."""
        body = await super().read_body(receive)
        if (request := asyncio.current_task()) is not None:
            request.add_done_callback(lambda _: body.close())
        return body


def _application() -> Any:
    django.setup(set_prefix=False)
    pages: Any = Pages()
    if settings.AGENTFORGE_ROLE == "builder":
        return pages
    # Only now: these need Django's applications, which the line above loads.
    from channels.routing import ProtocolTypeRouter, URLRouter

    from .live.consumer import LiveConsumer

    return ProtocolTypeRouter(
        {"http": URLRouter([path("live/", LiveConsumer.as_asgi()), re_path("", pages)])}
    )


application = _application()
