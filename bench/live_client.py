"""Follow one stream with many connections and report when lines arrived: URL VIEWERS PHASE...

Each PHASE is the number of lines that every viewer waits for. The first line of standard input is a token for
the Authorization header. Prints a line when all are connected, and one JSON line per phase.

It shares the machine with the server, so it does as little as it can: no event loop, and what all are sent
alike is parsed once.
"""

from __future__ import annotations

import functools
import json
import re
import selectors
import socket
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
        self.is_done = False

    def opened(self) -> None:
        self._silent -= 1
        if not self._silent:
            print("connected", flush=True)

    def received(self, written: tuple[float, ...], at: float) -> None:
        self._delays += [at - moment for moment in written]
        if written[0] < self._first_written:
            self._first_written = written[0]
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
        self.is_done = not self._phases


class Connection:
    """Read one response, event by event."""

    __slots__ = ("_is_open", "_rest", "_viewers", "socket")

    def __init__(self, viewers: Viewers, address: tuple[str, int], request: bytes) -> None:
        self._viewers = viewers
        self._rest = b""
        self._is_open = False
        self.socket = socket.create_connection(address)
        self.socket.sendall(request)
        self.socket.setblocking(False)

    def read(self) -> None:
        data = self.socket.recv(1 << 16)
        at = time.time()
        assert data, "The server ended a stream."
        if not self._is_open:
            data, self._rest = self._rest + data, b""
            # A stream begins with an event: how soon to connect again, or that one is subscribed.
            if b"\n\n" not in data.partition(b"\r\n\r\n")[2]:
                self._rest = data
                return
            assert data.startswith(b"HTTP/1.1 200"), data
            self._is_open = True
            self._viewers.opened()
        written, self._rest = _lines(self._rest, data)
        if written:
            self._viewers.received(written, at)


@functools.lru_cache(maxsize=256)
def _lines(rest: bytes, data: bytes) -> tuple[tuple[float, ...], bytes]:
    """Return when the lines of complete events were written, and what belongs to the next."""
    complete, _, rest = (rest + data).rpartition(b"\n\n")
    return tuple(float(text) for text in _WRITTEN_AT.findall(complete)), rest


def main(url: str, number: int, phases: list[int]) -> None:
    token = sys.stdin.readline().strip()
    parts = urlsplit(url)
    request = (
        f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: {token}\r\n\r\n"
    ).encode()
    viewers = Viewers(number, phases)
    selector = selectors.DefaultSelector()
    for _ in range(number):
        connection = Connection(viewers, (str(parts.hostname), parts.port or 80), request)
        selector.register(connection.socket, selectors.EVENT_READ, connection.read)
    while not viewers.is_done:
        for key, _ in selector.select():
            key.data()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), [int(text) for text in sys.argv[3:]])
