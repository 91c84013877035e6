"""Kill processes of running forges in an order that a seed decides, between events of its logs."""

from __future__ import annotations

import queue
import random
from collections import Counter
from collections.abc import Mapping

import psutil

from tests.drivers.forge import Forge

# The launcher gives up a program that dies five times within a minute.
MOST_KILLS = 3


class Monkey:
    """Kill a process each time that some more records of the builds have arrived."""

    def __init__(self, forges: Mapping[str, Forge], seed: int, victims: list[str]) -> None:
        """Take the forges by name, and the victims as `<forge> <program>`."""
        self._forges = forges
        self._random = random.Random(seed)  # noqa: S311 - the same kills in every run
        self._random.shuffle(victims)
        self._victims = victims
        self.killed: Counter[str] = Counter()

    def run(self, arrivals: queue.SimpleQueue[str | None], apart: tuple[int, int]) -> None:
        """Kill until no victim is left, or `arrivals` ends (None)."""
        while self._victims:
            for _ in range(self._random.randrange(*apart)):
                if arrivals.get(timeout=300) is None:
                    return
            self.kill(self._victims.pop())

    def kill(self, victim: str) -> None:
        """Kill one process as `kill -9` does, and wait until the launcher has started it again."""
        whose, name = victim.split()
        forge = self._forges[whose]
        try:
            forge.program(name).kill()
        except (psutil.NoSuchProcess, FileNotFoundError, StopIteration):
            # It is down at this moment, by itself or because the database was killed under it.
            return
        self.killed[victim] += 1
        message = (
            "PostgreSQL is running again" if name == "postgres" else rf"{name} exited \(.*\); restarting it"
        )
        forge.wait_for(message)
