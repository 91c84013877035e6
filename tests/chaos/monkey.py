"""Kill processes of a running forge in an order that a seed decides, between events of its logs."""

from __future__ import annotations

import queue
import random
from collections import Counter

import psutil

from tests.forge import Forge

# The launcher gives up a program that dies five times within a minute.
MOST_KILLS = 3


class Monkey:
    """Kill a process each time that some more records of the builds have arrived."""

    def __init__(self, forge: Forge, seed: int, victims: list[str]) -> None:
        self._forge = forge
        self._random = random.Random(seed)  # noqa: S311 - the same kills in every run
        self._random.shuffle(victims)
        self._victims = victims
        self.killed: Counter[str] = Counter()

    def run(self, arrivals: queue.SimpleQueue[str | None], apart: tuple[int, int]) -> None:
        """Kill until no victim is left, or `arrivals` ends (None)."""
        while self._victims:
            for _ in range(self._random.randrange(*apart)):
                if arrivals.get(timeout=120) is None:
                    return
            self.kill(self._victims.pop())

    def kill(self, name: str) -> None:
        """Kill one process as `kill -9` does, and wait until the launcher has started it again."""
        try:
            self._forge.program(name).kill()
        except (psutil.NoSuchProcess, FileNotFoundError, StopIteration):
            # It is down at this moment, by itself or because the database was killed under it.
            return
        self.killed[name] += 1
        said = "PostgreSQL runs again" if name == "postgres" else rf"{name} ended \(.*\); starting it again"
        self._forge.wait_for(said)
