"""Lend what one process has only a few of, by turns, so that nobody takes all of it (law 9)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

# More than this many pieces of work of one holder are refused at once, without waiting.
MOST_WAITING = 50


class Busy(Exception):
    """A holder has as much under way as it may, and its next piece of work did not get a turn in time."""

    retry_after = 5

    def __init__(self) -> None:
        super().__init__(
            "Too much of yours is under way at once. Nothing was changed. Try again in some seconds."
        )


@dataclass(eq=False)
class _Waiter:
    limits: Mapping[str, int]
    granted: threading.Event = field(default_factory=threading.Event)

    @property
    def holder(self) -> str:
        return next(iter(self.limits))


class Slots:
    """At most `total` slots at once. Whoever holds fewest comes first, and then who came first."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()
        self._used = 0
        self._waiters: list[_Waiter] = []

    @contextmanager
    def slot(self, limits: Mapping[str, int], *, seconds: float) -> Iterator[None]:
        """Hold a slot during the block, after waiting for at most `seconds`.

        `limits` are the most slots of each subject; the first subject is the holder, whose turn it is. With
        no limits, no slot is needed. Raises Busy.
        """
        if not limits:
            yield
            return
        self._take(_Waiter(limits), seconds)
        try:
            yield
        finally:
            self._give_back(limits)

    def _take(self, waiter: _Waiter, seconds: float) -> None:
        with self._lock:
            if sum(other.holder == waiter.holder for other in self._waiters) >= MOST_WAITING:
                raise Busy
            self._waiters.append(waiter)
            self._grant()
        if waiter.granted.wait(seconds):
            return
        with self._lock:
            if not waiter.granted.is_set():
                self._waiters.remove(waiter)
                raise Busy

    def _give_back(self, limits: Mapping[str, int]) -> None:
        with self._lock:
            self._used -= 1
            self._held.subtract(limits.keys())
            # Subjects come and go: nobody's zero is kept.
            self._held = +self._held
            self._grant()

    def _grant(self) -> None:
        while self._used < self._total:
            allowed = [waiter for waiter in self._waiters if self._allows(waiter.limits)]
            if not allowed:
                return
            waiter = min(allowed, key=lambda waiter: self._held[waiter.holder])
            self._waiters.remove(waiter)
            self._used += 1
            self._held.update(waiter.limits.keys())
            waiter.granted.set()

    def _allows(self, limits: Mapping[str, int]) -> bool:
        return all(self._held[subject] < limit for subject, limit in limits.items())
