"""The messages of one connection for the application that answers it."""

from __future__ import annotations

import asyncio
from typing import Any

Message = dict[str, Any]


class Mailbox:
    """An unbounded queue for one reader; an asyncio.Queue takes 3 KB for each viewer."""

    __slots__ = ("_messages", "_news")

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._news: asyncio.Future[None] | None = None

    def put_nowait(self, message: Message) -> None:
        self._messages.append(message)
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def get(self) -> Message:
        """Wait for the next message and return it; raises RuntimeError while somebody else waits."""
        if self._news is not None:
            raise RuntimeError("Two tasks wait for the messages of one connection.")
        if not self._messages:
            self._news = asyncio.get_running_loop().create_future()
            try:
                await self._news
            finally:
                self._news = None
        return self._messages.pop(0)
