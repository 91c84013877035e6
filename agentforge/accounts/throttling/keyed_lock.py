from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from agentforge.tenancy.request_transaction import outside_transaction


class KeyedLock:
    """A lock per key for the threads of this process; who waits for one holds no database connection."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._users: dict[Hashable, int] = {}

    @contextmanager
    def held(self, key: Hashable) -> Iterator[None]:
        """Run a block while no other thread runs one of the same key."""
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
            self._users[key] = self._users.get(key, 0) + 1
        try:
            if not lock.acquire(blocking=False):
                with outside_transaction():
                    lock.acquire()
            try:
                yield
            finally:
                lock.release()
        finally:
            with self._guard:
                self._users[key] -= 1
                if not self._users[key]:
                    del self._users[key], self._locks[key]
