"""What every line of the log says about its origin: the request, its user, the job, the worker."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Field = str | int | float | bool
REQUEST_ID = "request_id"
_LONGEST_ID = 64
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")

_fields: ContextVar[dict[str, Field] | None] = ContextVar("log_fields", default=None)


@contextmanager
def log_context(**fields: Field) -> Iterator[dict[str, Field]]:
    """Add fields to every line logged in the block, also by the threads and tasks that it starts."""
    own = {**(_fields.get() or {}), **fields}
    token = _fields.set(own)
    try:
        yield own
    finally:
        _fields.reset(token)


def bind(**fields: Field) -> None:
    """Add fields to the lines of the enclosing `log_context`; without one, do nothing."""
    own = _fields.get()
    if own is not None:
        own.update(fields)


def current_fields() -> dict[str, Field]:
    """Return the fields of the current context."""
    return dict(_fields.get() or {})


def current_request_id() -> str:
    """Return the id of the request that is served, or that asked for the running job; else an empty text."""
    return str((_fields.get() or {}).get(REQUEST_ID, ""))


def accepted_request_id(offered: str) -> str:
    """Return the id that a client or proxy sent, or a new one if that is missing, too long or not plain."""
    if len(offered) <= _LONGEST_ID and _ID.fullmatch(offered):
        return offered
    return uuid.uuid4().hex
