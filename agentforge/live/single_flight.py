"""Share one call among simultaneous callers, as when all clients reconnect after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Hashable
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


class SingleFlight(Generic[Result]):
    """Callers that arrive while a call is running share its result; nothing is cached afterwards."""

    def __init__(self) -> None:
        self._running: dict[Hashable, tuple[float, asyncio.Task[Result]]] = {}

    async def run(self, key: Hashable, call: Coroutine[Any, Any, Result]) -> tuple[float, Result]:
        """Return when the call started, on the loop's clock, and its result; raises what it raises."""
        running = self._running.get(key)
        if running is None:
            running = asyncio.get_running_loop().time(), asyncio.create_task(call)
            self._running[key] = running
            running[1].add_done_callback(lambda _: self._running.pop(key))
        else:
            call.close()
        # Shielded: a caller that is cancelled must not cancel the call for the others.
        return running[0], await asyncio.shield(running[1])
