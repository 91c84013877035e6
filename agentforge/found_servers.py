"""The model servers of this machine that answered: those that LOCAL_MODEL_SERVERS names are looked for."""

from __future__ import annotations

import threading

from django.conf import settings
from django.core.cache import cache

from . import model_servers
from .model_servers import ModelServer
from .tenancy.request_transaction import outside_transaction

# One that does not answer is asked again after so many seconds.
AGAIN_SECONDS = 60
# Longer than at the start: a program that works is asked too, and nothing but this page waits.
SECONDS = 1.0

_found: set[ModelServer] = set()
_looking = threading.Lock()


def found() -> list[ModelServer]:
    """Return the servers that have answered this process; nothing is asked."""
    return [server for server in settings.LOCAL_MODEL_SERVERS if server in _found]


def look() -> None:
    """Ask the servers that were not found yet, each at most once a minute, for a second together."""
    if not _due():
        return
    with outside_transaction(), _looking:
        # Another thread may have looked meanwhile.
        due = _due()
        _found.update(server for server, _ in model_servers.find(due, SECONDS))
        cache.set_many({_name(server): True for server in due}, AGAIN_SECONDS)


def _due() -> list[ModelServer]:
    return [
        server
        for server in settings.LOCAL_MODEL_SERVERS
        if server not in _found and cache.get(_name(server)) is None
    ]


def _name(server: ModelServer) -> str:
    return f"model-server:{server.code}:{server.url}"
