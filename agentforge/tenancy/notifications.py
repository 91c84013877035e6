"""Find a pooler that loses notifications: in transaction mode, a connection's LISTEN is soon somebody else's.

A round trip finds it whatever its name and port are. Without one the forge would start and look healthy, and
live pages and jobs would wait for news that never comes.
"""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_WAIT_SECONDS = 3.0
_LIMIT_SECONDS = 20.0
TRANSACTION_POOLER = (
    "DATABASE_URL leads to a connection pooler in transaction mode: a notification did not arrive. "
    "Use the database's direct address, or a pooler in session mode. At Supabase that is the session pooler, "
    "port 5432 instead of 6543; in PgBouncer, pool_mode = session."
)


class NotificationLost(Exception):
    """A notification between two connections did not arrive; `str()` tells an operator what to do."""


def verify(parameters: dict[str, Any] | str) -> None:
    """Send a notification from one connection to another, with libpq's parameters or a URL.

    The connections' settings are not changed, for a pooler may lend them to other programs. Raises
    NotificationLost, and psycopg.OperationalError if the database does not answer.
    """
    settings = {"conninfo": parameters} if isinstance(parameters, str) else parameters
    # In a thread: the caller's may have an event loop that is running.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(_verify(settings))).result()


def verify_connection(connection: BaseDatabaseWrapper) -> None:
    """Do the same with the parameters of one of Django's databases."""
    own = {"context", "cursor_factory"}
    verify({key: value for key, value in connection.get_connection_params().items() if key not in own})


async def _verify(parameters: dict[str, Any]) -> None:
    settings = {"connect_timeout": 10, **parameters, "autocommit": True}
    try:
        async with (
            asyncio.timeout(_LIMIT_SECONDS),
            await psycopg.AsyncConnection.connect(**settings) as listener,
            await psycopg.AsyncConnection.connect(**settings) as sender,
        ):
            channel = f"agentforge_{secrets.token_hex(8)}"
            await listener.execute(f"LISTEN {channel}".encode())
            # A second try, in case the machine was busy.
            for _ in range(2):
                await sender.execute("SELECT pg_notify(%s, '')", [channel])
                async for _notification in listener.notifies(timeout=_WAIT_SECONDS, stop_after=1):
                    return
    except TimeoutError:
        # Such as a pooler whose connections are all taken.
        message = f"Two connections were not to be had within {_LIMIT_SECONDS:.0f} s."
        raise psycopg.OperationalError(message) from None
    raise NotificationLost(TRANSACTION_POOLER)
