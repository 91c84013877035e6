"""A server of one stream, as the measurements see it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil

# A server that used less of a processor for so long is at rest.
QUIET, SETTLE_SECONDS = 0.05, 0.5

Feed = Callable[[int, float], None]


@dataclass
class Served:
    """One server with its processes, its stream, and how to write so many lines, so many seconds apart."""

    process: subprocess.Popen[Any]
    url: str
    channel: str
    token: str
    feed: Feed

    @property
    def stream(self) -> str:
        """Return the address of the stream."""
        return f"{self.url}/live/?channel={self.channel}"

    def kilobytes(self) -> float:
        return sum(each.memory_info().rss for each in self._processes()) / 1024

    def cpu_seconds(self) -> float:
        times = [each.cpu_times() for each in self._processes()]
        return sum(each.user + each.system for each in times)

    def settle(self) -> None:
        """Wait until it does nothing: the first viewers' rights are checked again once it listens."""
        before = -1.0
        while self.cpu_seconds() - before > QUIET * SETTLE_SECONDS:
            before = self.cpu_seconds()
            time.sleep(SETTLE_SECONDS)

    def _processes(self) -> list[psutil.Process]:
        first = psutil.Process(self.process.pid)
        return [first, *first.children(recursive=True)]
