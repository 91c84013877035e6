"""Follow one stream with many connections and report when lines arrived: URL CHANNEL VIEWERS PHASE...

Each PHASE is the number of lines that every viewer waits for. The first line of standard input is a token for
the Authorization header. Prints a line when all are connected, and one JSON line per phase.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from statistics import quantiles
from urllib.parse import urlsplit

_WRITTEN_AT = re.compile(rb'"t":([0-9.]+),"kind":"line"')


class Viewers:
    """Count the lines of all connections, phase by phase."""

    def __init__(self, number: int, phases: list[int]) -> None:
        self._number = number
        self._phases = phases
        self._silent = number
        self._delays: list[float] = []
        self._first_written = float("inf")
        self.done = asyncio.Event()

    def opened(self) -> None:
        self._silent -= 1
        if not self._silent:
            print("connected", flush=True)

    def received(self, written: list[float], at: float) -> None:
        self._delays += [at - moment for moment in written]
        self._first_written = min(self._first_written, *written)
        if len(self._delays) == self._phases[0] * self._number:
            self._report(at)

    def _report(self, at: float) -> None:
        cuts = quantiles(self._delays, n=100)
        seconds = at - self._first_written
        report = {"p50": cuts[49], "p99": cuts[98], "seconds": seconds, "lines": len(self._delays)}
        print(json.dumps(report), flush=True)
        self._delays.clear()
        self._first_written = float("inf")
        self._phases.pop(0)
        if not self._phases:
            self.done.set()


class Connection(asyncio.Protocol):
    """Read one response, event by event."""

    def __init__(self, viewers: Viewers, request: bytes) -> None:
        self._viewers = viewers
        self._request = request
        self._rest = b""
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        at = time.time()
        self._rest += data
        if not self._is_open:
            if b"retry:" not in self._rest:
                return
            assert self._rest.startswith(b"HTTP/1.1 200"), self._rest
            self._is_open = True
            self._viewers.opened()
        complete, _, self._rest = self._rest.rpartition(b"\n\n")
        if written := [float(text) for text in _WRITTEN_AT.findall(complete)]:
            self._viewers.received(written, at)


async def main(url: str, channel: str, number: int, phases: list[int]) -> None:
    token = sys.stdin.readline().strip()
    parts = urlsplit(url)
    host, port = str(parts.hostname), parts.port or 80
    request = (
        f"GET /live/?channel={channel} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: {token}\r\n\r\n"
    ).encode()
    viewers = Viewers(number, phases)
    loop = asyncio.get_running_loop()
    for start in range(0, number, 50):
        batch = range(start, min(start + 50, number))
        opening = [loop.create_connection(lambda: Connection(viewers, request), host, port) for _ in batch]
        await asyncio.gather(*opening)
    await viewers.done.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), [int(text) for text in sys.argv[4:]]))
