"""Serve AgentForge: pages through Django; live streams are mounted outside its handler."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentforge.settings")


def _application() -> Any:
    pages: Any = get_asgi_application()
    if settings.AGENTFORGE_ROLE == "builder":
        return pages
    # Only now: these need Django's applications, which the line above loads.
    from channels.routing import ProtocolTypeRouter, URLRouter

    from agentforge.live.consumer import LiveConsumer

    return ProtocolTypeRouter(
        {"http": URLRouter([path("live/", LiveConsumer.as_asgi()), re_path("", pages)])}
    )


application = _application()
