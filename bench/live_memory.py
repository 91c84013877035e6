"""The rival: the same server and consumer fed from memory, without log, database or sign-in.

Each line "COUNT SECONDS" on standard input makes it write COUNT lines, SECONDS apart.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
import threading
import time
from typing import Any

import django

django.setup()

from agentforge.live import hub as hubs  # noqa: E402 - needs Django
from agentforge.live.admission import Ticket, requested_positions  # noqa: E402
from agentforge.live.consumer import LiveConsumer, Receive, Send  # noqa: E402
from agentforge.live.log import LoggedChunk, Page  # noqa: E402
from agentforge.live.server import LiveServer  # noqa: E402
from agentforge.live.stream_limits import OpenStream  # noqa: E402
from agentforge.live.tails import Tail  # noqa: E402

CHANNEL = "memory"


class MemoryHub(hubs.Hub):
    """Extends tails from a list instead of the database."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks: list[LoggedChunk] = []

    async def produce(self, count: int, seconds: float) -> None:
        for _ in range(count):
            seq = len(self._chunks) + 1
            record = {"t": time.time(), "kind": "line", "stream": "out", "text": f"line {seq}"}
            self._chunks.append(LoggedChunk(seq, seq, json.dumps(record, separators=(",", ":"))))
            self._refresh_soon(CHANNEL)
            await asyncio.sleep(seconds)

    async def _listen(self) -> None:
        await asyncio.Event().wait()

    async def _extend(self, tail: Tail) -> None:
        tail.extend(Page(len(self._chunks), False, tuple(self._chunks[tail.last_seq :])))
        self._wake(tail.name)


class Anybody(Ticket):
    """Admits every viewer, without a time limit."""

    async def is_valid(self) -> bool:
        return True

    def seconds_to_next_check(self) -> float:
        return math.inf


class MemoryConsumer(LiveConsumer):
    async def _respond(self) -> None:
        ticket = Anybody(self.scope)
        ticket.subjects = ("anybody",)
        await self._follow(hub, requested_positions(self.scope), ticket, OpenStream(""))


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await MemoryConsumer(scope, send).run(receive)


hub = MemoryHub()


def obey(loop: asyncio.AbstractEventLoop) -> None:
    for command in sys.stdin:
        count, seconds = command.split()
        asyncio.run_coroutine_threadsafe(hub.produce(int(count), float(seconds)), loop)


def ready() -> None:
    threading.Thread(target=obey, args=(asyncio.get_event_loop(),), daemon=True).start()


LiveServer(
    application=application,
    endpoints=["tcp:port=0:interface=127.0.0.1:backlog=1024"],
    ready_callable=ready,
).run()
