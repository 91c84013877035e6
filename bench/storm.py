"""Measure a storm: 1,000 viewers lose their connections at once and reconnect at their positions.

The figure is the time from the first reconnect until all viewers have every line. The rival is the same storm
on the same consumer without sign-in and database; the difference is their price.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from .live import log_server, memory_server
from .served import Served
from .stage import database

VIEWERS, ROUNDS = 1000, 5
# Lines that every viewer has, and lines written while nobody was connected.
SEEN, MISSED = 20, 20
_RECORDS = re.compile(rb'"kind":"line"')


class Connection(asyncio.Protocol):
    """Reads one response until it has delivered every missed line."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._missing = MISSED
        self._rest = b""
        self.caught_up: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        complete, separator, self._rest = (self._rest + data).rpartition(b"\n\n")
        self._missing -= len(_RECORDS.findall(complete + separator))
        if self._missing <= 0 and not self.caught_up.done():
            self.caught_up.set_result(time.perf_counter())

    def connection_lost(self, error: Exception | None) -> None:
        if not self.caught_up.done():
            self.caught_up.set_exception(ConnectionError(f"Cut off with {self._missing} lines missing"))


@dataclass
class Storm:
    """One storm: seconds until each viewer caught up, and the server's processor time."""

    seconds: list[float]
    cpu: float


async def storm(served: Served) -> Storm:
    """Reconnect all viewers at once and wait until each has caught up."""
    parts = urlsplit(served.url)
    host, port = str(parts.hostname), parts.port or 80
    path = f"/live/?channel={served.channel}&last_event_id={served.channel}:{SEEN}"
    head = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: {served.token}\r\n\r\n"
    viewers = [Connection(head.encode()) for _ in range(VIEWERS)]
    loop = asyncio.get_running_loop()

    async def connect(viewer: Connection) -> None:
        await loop.create_connection(lambda: viewer, host, port)

    before, started = served.cpu_seconds(), time.perf_counter()
    await asyncio.gather(*map(connect, viewers))
    at = await asyncio.gather(*(viewer.caught_up for viewer in viewers))
    cpu = served.cpu_seconds() - before
    for viewer in viewers:
        assert viewer.transport
        viewer.transport.abort()
    return Storm(sorted(moment - started for moment in at), cpu)


def main() -> None:
    with database():
        with log_server("build-1") as ours:
            ours.feed(SEEN + MISSED, 0.001)
            log = [asyncio.run(storm(ours)) for _ in range(ROUNDS)]
        with memory_server() as rival:
            rival.feed(SEEN + MISSED, 0.001)
            memory = [asyncio.run(storm(rival)) for _ in range(ROUNDS)]
    named = {"figure": "reconnect_storm", "viewers": VIEWERS, "missed_lines": MISSED}
    rival_values = {f"rival_{name}": value for name, value in _summary(memory).items()}
    figure = {**named, **_summary(log), "rival": "the same consumer fed from memory", **rival_values}
    print(json.dumps(figure), flush=True)


def _summary(storms: list[Storm]) -> dict[str, object]:
    """Return when the last viewer of each storm caught up, and the server's median processor time."""
    last = [each.seconds[-1] for each in storms]
    rounded = {"all_s": statistics.median(last), "server_cpu_s": statistics.median(s.cpu for s in storms)}
    return {
        **{name: round(value, 2) for name, value in rounded.items()},
        "each_s": [round(value, 2) for value in last],
    }


if __name__ == "__main__":
    main()
