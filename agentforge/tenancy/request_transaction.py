"""The transaction of a request, which is interrupted for the time of a remote call.

A remote call can take seconds. Meanwhile the request must hold neither locks nor one of the few pooled
connections, and what it has stored must not depend on the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from django.db import connection

from . import rls
from .connections import give_back

_ATTRIBUTE = "agentforge_request_transaction"


class RequestTransaction:
    """Runs a block in a transaction that `begin` begins; `outside_transaction` can interrupt it."""

    def __init__(self, begin: Callable[[], AbstractContextManager[Any]]) -> None:
        self._begin = begin
        self._current = ExitStack()
        self._depth = 0

    def __enter__(self) -> None:
        self._enter()
        setattr(connection, _ATTRIBUTE, self)

    def __exit__(self, *exception: Any) -> bool | None:
        setattr(connection, _ATTRIBUTE, None)
        return self._current.__exit__(*exception)

    def _enter(self) -> None:
        self._current.enter_context(self._begin())
        self._depth = len(connection.atomic_blocks)

    def can_be_interrupted(self) -> bool:
        """Return whether no block inside the transaction, and no failure, needs it to last."""
        is_outermost = len(connection.atomic_blocks) == self._depth
        return is_outermost and not connection.needs_rollback and not rls.is_aborted()

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        """Commit, run the block with the connection given back, and begin again as the same actor."""
        actor = rls.current_actor()
        self._current.close()
        give_back()
        try:
            yield
        finally:
            self._enter()
            rls.become(actor)


@contextmanager
def outside_transaction() -> Iterator[None]:
    """Commit what the request has stored, and run a block that can take long without a connection.

    What the block itself stores is committed at once. In a transaction that somebody else began it stays.
    """
    running: RequestTransaction | None = getattr(connection, _ATTRIBUTE, None)
    if running is not None and running.can_be_interrupted():
        with running.interrupted():
            yield
    else:
        give_back()
        yield
