"""How far this machine's Go is from compiling plugins quickly, in words."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from .compiler import targets, toolchain, warmup
from .errors import ToolchainMissing

# With fewer packages, the time that is left can't be estimated.
_ENOUGH = 10
_MINUTES_FROM = 90
# A warm-up records its progress every second, except while one large package is compiled or linked.
_ABANDONED_AFTER = 120


@dataclass(frozen=True)
class Readiness:
    """Go is getting ready (`done` of about `total` packages; 0: unknown), or `problem` says why not."""

    words: str
    problem: str = ""
    done: int = 0
    total: int = 0

    @property
    def state(self) -> str:
        return "failed" if self.problem else "running"


def readiness() -> Readiness | None:
    """Return how far Go is getting ready; None once it is."""
    state = warmup.latest()
    if state.state == warmup.WARM:
        return None
    if state.state == warmup.FAILED:
        return Readiness("Go could not get ready", state.error or "The log of the worker says why.")
    if state.state == warmup.COLD:
        try:
            toolchain.find()
        except ToolchainMissing as missing:
            return Readiness("Go is missing", str(missing))
    return _under_way(state)


def readiness_for(names: Iterable[str]) -> Readiness | None:
    """Return what a build of these targets waits for: Go itself, or Go for one of its programs."""
    general = readiness()
    if general is not None:
        return general
    for program in sorted({targets.get(name).program for name in names}):
        state = warmup.latest(program)
        if state.state == warmup.WARMING and time.time() - state.at < _ABANDONED_AFTER:
            return _under_way(state)
    return None


def _under_way(state: warmup.State) -> Readiness:
    words = f"Go is getting ready{_time(state)}"
    return Readiness(words, done=min(state.done, state.total), total=state.total)


def _time(state: warmup.State) -> str:
    """Return how much of the estimated time is over; empty without a measure."""
    elapsed = state.at - state.started
    if not state.total or state.done < _ENOUGH or elapsed <= 0:
        return ""
    whole = max(elapsed, elapsed * state.total / state.done)
    if whole < _MINUTES_FROM:
        return f", about {round(elapsed)} of {round(whole)} s"
    return f", about {int(elapsed // 60)} of {round(whole / 60)} min"
