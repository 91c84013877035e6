"""Make the API fail as the real one can: planned for one request, or at random for all of them."""

from __future__ import annotations

import math
import random
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["429", "500", "502", "reset", "lost", "cut", "401", "before", "after"]

# `lost` carries out the request but sends no response; `cut` ends in the middle of the body; `before` and
# `after` hold the response, before or after carrying out the request, until the test calls `let_go`.
KINDS: tuple[Kind, ...] = ("429", "500", "502", "reset", "lost", "cut", "401")


_LONGEST_HOLD = 90.0


@dataclass
class Trouble:
    """One kind of trouble for the next `times` matching requests."""

    kind: Kind
    match: str = ""
    times: int = 1

    def fits(self, line: str) -> bool:
        return self.times > 0 and re.search(self.match, line) is not None


@dataclass
class Storm:
    """Random trouble; at most `most` times in a row for the same request."""

    seed: int
    chance: float
    kinds: tuple[Kind, ...] = KINDS
    most: int = 2
    _rows: dict[str, int] = field(default_factory=dict)
    _refused: set[str] = field(default_factory=set)
    _dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)  # noqa: S311 - no secret

    def roll(self, line: str) -> Kind | None:
        if self._dice.random() >= self.chance or self._rows.get(line, 0) >= self.most:
            self._rows[line] = 0
            return None
        self._rows[line] = self._rows.get(line, 0) + 1
        kind = self._dice.choice(self.kinds)
        # Netlify's spurious refusals are known for uploads; a second one in a row counts as real.
        if kind == "401" and (not line.startswith("PUT /api/v1/deploys/") or line in self._refused):
            return "500"
        if kind == "401":
            self._refused.add(line)
        return kind


@dataclass
class Limit:
    """A limit of requests per period; Netlify's is 500 per minute."""

    most: int
    seconds: float = 60.0
    ends: float = 0.0
    _count: int = 0

    def is_reached(self, now: float) -> bool:
        """Count a request; return whether it exceeds the limit."""
        if now >= self.ends:
            self.ends, self._count = now + self.seconds, 0
        self._count += 1
        return self._count > self.most


class Weather:
    """Decides what happens to each request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.plans: list[Trouble] = []
        self.storm: Storm | None = None
        self.limit: Limit | None = None
        self._held = 0
        self._changed = threading.Condition()
        self._go_on = threading.Event()
        self.seen: list[tuple[str, str]] = []
        # Seconds from now to the `X-RateLimit-Reset` that a 429 names.
        self.reset_after = 1.0

    def add(self, kind: Kind, match: str = "", times: int = 1) -> None:
        with self._lock:
            self.plans.append(Trouble(kind, match, times))

    def hold(self) -> None:
        """Hold a request in its own thread."""
        with self._changed:
            go_on = self._go_on
            self._held += 1
            self._changed.notify_all()
        go_on.wait(_LONGEST_HOLD)

    def wait_until_held(self, times: int = 1) -> None:
        """Wait until this many requests were held."""
        with self._changed:
            is_held = self._changed.wait_for(lambda: self._held >= times, _LONGEST_HOLD)
        assert is_held, f"{self._held} requests were held back, not {times}"

    def let_go(self) -> None:
        """Release the held requests; later ones wait for the next call."""
        with self._changed:
            released, self._go_on = self._go_on, threading.Event()
        released.set()

    def next(self, line: str) -> Trouble | None:
        with self._lock:
            if self.limit and self.limit.is_reached(time.time()):
                self.seen.append(("429", line))
                return Trouble("429")
            for plan in self.plans:
                if plan.fits(line):
                    plan.times -= 1
                    self.seen.append((plan.kind, line))
                    return plan
            kind = self.storm.roll(line) if self.storm else None
            if kind is None:
                return None
            self.seen.append((kind, line))
            return Trouble(kind)

    def reset_header(self) -> str:
        if self.limit:
            return str(math.ceil(self.limit.ends))
        return str(int(time.time() + self.reset_after))
