"""Bound the connections of this process, per network address and in all, at the cost of those that wait."""

from __future__ import annotations

from typing import Protocol

from agentforge.accounts.throttling.throttle import address_subject


class Connection(Protocol):
    @property
    def address(self) -> str: ...

    def refuse(self) -> None: ...

    def evict(self) -> None: ...


class ConnectionTable:
    """The open connections; those that wait for a complete request give way to new ones, the oldest first."""

    def __init__(self, *, most: int, most_per_address: int) -> None:
        """Take the limits; 0 means none."""
        self._most = most
        self._most_per_address = most_per_address
        self._by_subject: dict[str, dict[Connection, None]] = {}
        self._subjects: dict[Connection, str] = {}
        self._waiting: dict[Connection, None] = {}

    def add(self, connection: Connection) -> None:
        """Admit a new connection, or refuse it if all that could give way are in use."""
        subject = address_subject("connections", connection.address) or ""
        peers = self._by_subject.get(subject, {})
        if subject and 0 < self._most_per_address <= len(peers):
            oldest = next((peer for peer in peers if peer in self._waiting), None)
        elif 0 < self._most <= len(self._subjects):
            oldest = next(iter(self._waiting), None)
        else:
            oldest = connection
        if oldest is None:
            connection.refuse()
            return
        if oldest is not connection:
            self.remove(oldest)
            oldest.evict()
        self._by_subject.setdefault(subject, {})[connection] = None
        self._subjects[connection] = subject
        self._waiting[connection] = None

    def begin(self, connection: Connection) -> None:
        """Keep a connection while its request is answered."""
        self._waiting.pop(connection, None)

    def end(self, connection: Connection) -> None:
        """Let a connection give way again, after all others that wait."""
        if connection in self._subjects:
            self._waiting[connection] = None

    def remove(self, connection: Connection) -> None:
        """Forget a connection that is closed, if it was admitted."""
        subject = self._subjects.pop(connection, None)
        self._waiting.pop(connection, None)
        if subject is not None:
            peers = self._by_subject[subject]
            del peers[connection]
            if not peers:
                del self._by_subject[subject]
