"""Ask the identity service without letting a page wait for a slow answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Unfinished
from contextvars import copy_context
from typing import TypeVar

from agentforge.tenancy.connections import connection_lease
from agentforge.tenancy.request_transaction import outside_transaction

from .errors import IdentityError

logger = logging.getLogger(__name__)
T = TypeVar("T")

# How long a page waits for an answer that it can do without.
WAIT_SECONDS = 1.0

_threads = ThreadPoolExecutor(16, thread_name_prefix="identity service")


class Late(Exception):
    """The answer did not come within WAIT_SECONDS; it is still awaited."""


def answer_soon(ask: Callable[[], T], *, late: Callable[[T], object]) -> T:
    """Return the answer of a remote call, waiting without a connection.

    If it takes too long, raises Late; `late` is called with the answer when it comes, in a thread. `ask` must
    not use the database. Raises what it raises.
    """
    # With the request's context: it names the network address of who is asking.
    asked = _threads.submit(copy_context().run, ask)
    with outside_transaction():
        try:
            return asked.result(WAIT_SECONDS)
        except Unfinished:
            asked.add_done_callback(lambda future: _pass_on(future, late))
            raise Late from None


def _pass_on(asked: Future[T], late: Callable[[T], object]) -> None:
    try:
        with connection_lease():
            late(asked.result())
    except IdentityError:
        # The next request asks again, and deals with it.
        return
    except Exception:
        logger.exception("An answer of the identity service could not be stored")
