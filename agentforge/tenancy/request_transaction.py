"""The transaction of a request, which is interrupted for the time of slow work.

A remote call or a password's hash can take seconds. Meanwhile the request must hold neither locks nor one of
the few pooled connections, and what it has stored must not depend on the outcome.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection
from django.http import HttpResponseBase

from . import rls
from .connections import give_back
from .slots import Busy, Slots

_ATTRIBUTE = "agentforge_request_transaction"
# The most pieces of slow work at once in one process: each is a thread that waits.
SLOW_WORK = 96
WAIT_SECONDS = 10.0


@dataclass(frozen=True)
class Share:
    """What the sender of a request may have at once: by subject, connections and pieces of slow work.

    `refuse` makes the response to a request that got no turn.
    """

    connections: Mapping[str, int] = field(default_factory=dict)
    slow_work: Mapping[str, int] = field(default_factory=dict)
    refuse: Callable[[Busy], HttpResponseBase] | None = None


class DatabaseAway(Exception):
    """The database does not answer, so the request did not begin."""


class HeldTransaction(RuntimeError):
    """Slow work began inside a transaction of its caller: a connection and locks would wait with it."""


class RequestTransaction:
    """Runs a block in a transaction that `begin` begins, within the sender's share of the connections.

    `outside_transaction` can interrupt it. Raises Busy or DatabaseAway, before the block.
    """

    def __init__(self, begin: Callable[[], AbstractContextManager[Any]], share: Share) -> None:
        self.share = share
        self.is_interrupted = False
        # Whether something may be stored already: what came before slow work.
        self.has_stored = False
        self._begin = begin
        self._current = ExitStack()
        self._depth = 0

    def __enter__(self) -> None:
        try:
            self._enter(WAIT_SECONDS)
        except OperationalError as error:
            raise DatabaseAway from error
        setattr(connection, _ATTRIBUTE, self)

    def __exit__(self, *exception: Any) -> bool | None:
        setattr(connection, _ATTRIBUTE, None)
        return self._current.__exit__(*exception)

    def _enter(self, seconds: float) -> None:
        # Whoever waits for a turn holds no connection, such as the one that looked the sender up.
        give_back()
        with ExitStack() as entered:
            entered.enter_context(_connections().slot(self.share.connections, seconds=seconds))
            entered.callback(give_back)
            connection.ensure_connection()
            entered.enter_context(self._begin())
            self._depth = len(connection.atomic_blocks)
            self._current = entered.pop_all()

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        """Commit, run the block with the connection given back, and begin again as the same actor."""
        if len(connection.atomic_blocks) != self._depth or connection.needs_rollback or rls.is_aborted():
            raise HeldTransaction
        actor = rls.current_actor()
        self.is_interrupted = self.has_stored = True
        self._current.close()
        try:
            with _slow_work.slot(self.share.slow_work, seconds=WAIT_SECONDS):
                yield
        finally:
            self.is_interrupted = False
            # Never refused: what was done elsewhere has to be stored.
            self._enter(60 * WAIT_SECONDS)
            rls.become(actor)


@contextmanager
def outside_transaction() -> Iterator[None]:
    """Commit what the request has stored, and run a block that can take long without a connection.

    What the block itself stores is committed at once. Outside of requests, a transaction stays. Raises Busy
    if the sender has too much under way, and HeldTransaction inside a transaction that the caller began.
    """
    # A program that uses the compiler alone has no database.
    if not settings.configured:
        yield
        return
    running: RequestTransaction | None = getattr(connection, _ATTRIBUTE, None)
    if running is not None and not running.is_interrupted:
        with running.interrupted():
            yield
        return
    # Django lends no connections to a thread that runs an event loop.
    if not _runs_event_loop():
        give_back()
    yield


def has_stored() -> bool:
    """Return whether the running request may have stored something that no rollback undoes."""
    running: RequestTransaction | None = getattr(connection, _ATTRIBUTE, None)
    return running is not None and running.has_stored


def _runs_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def pool_size() -> int:
    """Return how many database connections this process has."""
    pool: Any = connection.settings_dict["OPTIONS"].get("pool")
    return int(pool["max_size"]) if isinstance(pool, dict) else SLOW_WORK


@cache
def _connections() -> Slots:
    return Slots(pool_size())


_slow_work = Slots(SLOW_WORK)
