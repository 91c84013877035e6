"""Ask a call once for all who want its answer at the same time, as after a restart of the server."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Hashable
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


class SingleFlight(Generic[Result]):
    """Let whoever comes while a call is being answered have that answer; nothing is kept afterwards."""

    def __init__(self) -> None:
        self._running: dict[Hashable, tuple[float, asyncio.Task[Result]]] = {}

    async def run(self, key: Hashable, call: Coroutine[Any, Any, Result]) -> tuple[float, Result]:
        """Return an answer and when its call was asked, on the loop's clock; raises what it raises."""
        found = self._running.get(key)
        if found is None:
            found = asyncio.get_running_loop().time(), asyncio.create_task(call)
            self._running[key] = found
            found[1].add_done_callback(lambda _: self._running.pop(key))
        else:
            call.close()
        # One who leaves does not take the answer from the others.
        return found[0], await asyncio.shield(found[1])
