"""A test client that finds every request that holds a database connection while it does something slow."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import pytest
from django.db import connection
from django.test import Client

# What waits for somebody else, or takes a processor for long: queries go through libpq, not through these.
SLOW: list[tuple[Any, str]] = [
    (httpcore.ConnectionPool, "handle_request"),
    (socket.socket, "connect"),
    (subprocess.Popen, "__init__"),
    (hashlib, "pbkdf2_hmac"),
    (time, "sleep"),
]
_thread = threading.local()


class SlowWorkClient(Client):
    """Collects the slow work of its requests: `seen`, and of that `held`, with a connection lent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seen: list[str] = []
        self.held: list[str] = []

    def request(self, **request: Any) -> Any:
        connection.close()
        _thread.client = self
        try:
            return super().request(**request)
        finally:
            _thread.client = None

    def note(self, name: str) -> None:
        """Note slow work that begins now."""
        self.seen.append(name)
        if connection.connection is not None:
            own = [frame for frame in traceback.extract_stack() if "site-packages" not in frame.filename]
            self.held.append(f"{name} in {' < '.join(frame.name for frame in reversed(own[-9:]))}")


@contextmanager
def slow_work_noted() -> Iterator[None]:
    """Let each SlowWorkClient note the slow work of its requests; tests need real transactions."""
    with pytest.MonkeyPatch.context() as patches:
        for owner, name in SLOW:
            patches.setattr(owner, name, _noting(f"{owner.__name__}.{name}", getattr(owner, name)))
        yield


def _noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def noting(*args: Any, **kwargs: Any) -> Any:
        client: SlowWorkClient | None = getattr(_thread, "client", None)
        if client is not None:
            client.note(name)
        return function(*args, **kwargs)

    return noting
