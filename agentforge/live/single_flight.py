"""Ask a question once for all who want its answer at the same time, as after a restart of the server."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Hashable
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")


class Shared(Generic[Answer]):
    """Let whoever comes while a question is being answered have that answer; nothing is kept afterwards."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, tuple[float, asyncio.Task[Answer]]] = {}

    async def ask(self, key: Hashable, question: Coroutine[Any, Any, Answer]) -> tuple[float, Answer]:
        """Return an answer and when its question was asked, on the loop's clock; raises what it raises."""
        found = self._asked.get(key)
        if found is None:
            found = asyncio.get_running_loop().time(), asyncio.create_task(question)
            self._asked[key] = found
            found[1].add_done_callback(lambda _: self._asked.pop(key))
        else:
            question.close()
        # One who leaves does not take the answer from the others.
        return found[0], await asyncio.shield(found[1])
