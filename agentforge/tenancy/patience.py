"""Bound how long a request waits for the database: one that is frozen or unreachable says nothing at all.

Workers wait as long as it takes: their statements may be long, and nobody looks at an empty page meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout
from psycopg.rows import TupleRow

# Longer than a request waits for a lock (tenancy/rls.py), shorter than people look at an empty page.
SECONDS = 10.0
CHECK_SECONDS = 2.5
_INTERVAL = 0.1

Result = TypeVar("Result")


@dataclass
class Patience:
    """How long to wait for each answer, and whether that was in vain."""

    seconds: float
    is_over: bool = False


_current: ContextVar[Patience | None] = ContextVar("patience", default=None)


def is_over() -> bool:
    """Return whether this request waited for the database in vain."""
    patience = _current.get()
    return patience is not None and patience.is_over


@contextmanager
def limited(patience: Patience) -> Iterator[None]:
    """Let statements of this block raise psycopg.OperationalError when their answer takes too long."""
    token = _current.set(patience)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def connecting() -> Iterator[None]:
    """Bound the check of a pooled connection more tightly: another one may still work.

    A request that has waited in vain once does not wait again.
    """
    waiting = _current.get()
    if waiting is not None and waiting.is_over:
        raise psycopg.OperationalError("no answer before")
    try:
        with limited(Patience(CHECK_SECONDS)):
            yield
    except psycopg.OperationalError:
        if waiting is not None:
            waiting.is_over = True
        raise


class BoundedConnection(psycopg.Connection[TupleRow]):
    """A pooled connection that is closed when an answer takes too long."""

    def wait(self, gen: PQGen[Result], interval: float = _INTERVAL, timeout: float | None = None) -> Result:
        patience = _current.get()
        if patience is None or timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, patience.seconds)
        except _WaitTimeout:
            patience.is_over = True
            self.close()
            raise psycopg.OperationalError(f"no answer within {patience.seconds:g} s") from None
