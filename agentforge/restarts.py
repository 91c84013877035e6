"""When a process that died is started again, and when that is no use any more."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

# Deaths within so many seconds after which a process is given up.
LIVES, LIFETIME = 5, 60.0


class Restarts:
    """Counts the deaths of one process; `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._deaths: deque[float] = deque(maxlen=LIVES)

    def pause(self) -> float | None:
        """Count a death; return the seconds to wait before the next start, None if there is to be none."""
        self._deaths.append(self._clock())
        recent = sum(self._deaths[-1] - death < LIFETIME for death in self._deaths)
        if recent >= LIVES:
            return None
        return 2.0 ** (recent - 2) if recent > 1 else 0.0
