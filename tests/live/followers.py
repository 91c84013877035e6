"""Follow streams through broken connections, and keep what arrived."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable

from tests.drivers.sse_client import BROKEN, positions_id
from tests.drivers.web_process import ROOT, WebProcess, environment


class Follower(threading.Thread):
    """Follow channels to their end in a thread; break off after a random number of events, and go on.

    `records` holds every record as it came; `check()` fails unless each came once, in order.
    """

    def __init__(
        self,
        web: WebProcess,
        headers: dict[str, str],
        *channels: str,
        seed: int = 0,
        patience: int | None = 20,
        is_up: Callable[[], object] = lambda: True,
    ) -> None:
        super().__init__(daemon=True)
        self.received: dict[str, list[tuple[int, dict[str, object]]]] = {name: [] for name in channels}
        self.connections = 0
        self.first_event = threading.Event()
        self._web = web
        self._headers = headers
        self._is_up = is_up  # called before each connection; waits until one makes sense
        self._random = random.Random(seed)  # noqa: S311 - the same breaks in every run
        self._patience = patience  # most events of one connection
        self._failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._connect():
                self._is_up()
        except BaseException as failure:
            self._failure = failure
            raise

    def texts(self, channel: str) -> list[str]:
        """Return the lines of a channel; fails when a record came twice, late or never."""
        self.join(timeout=120)
        assert not self.is_alive() and self._failure is None
        numbers = [seq for seq, _ in self.received[channel]]
        assert numbers == list(range(1, len(numbers) + 1))
        return [str(record["text"]) for _, record in self.received[channel] if record["kind"] == "line"]

    def arrived(self, channel: str) -> None:
        """Hear that something of a channel has arrived."""

    def _connect(self) -> bool:
        """Follow until it breaks, by chance or by fate; return whether all channels have ended."""
        data = positions_id({name: len(got) for name, got in self.received.items()})
        events = self._random.randrange(1, self._patience + 1) if self._patience else None
        as_header = self._random.random() < 0.5
        self.connections += 1
        try:
            with self._web.follow(
                self._headers,
                *self.received,
                last_event_id=data if as_header else "",
                query={} if as_header else {"last_event_id": data},
            ) as connection:
                if connection.status == 204:
                    return True
                if connection.status == 503:
                    return False  # the server runs, and its database is away
                assert connection.status == 200, connection.text()
                for event in connection:
                    self.received[event.channel] += event.records
                    self.first_event.set()
                    self.arrived(event.channel)
                    if events is not None and (events := events - 1) == 0:
                        break
        except BROKEN:
            pass
        return False


def start_writer(name: str, first: int, last: int, way: str = "writer") -> subprocess.Popen[str]:
    """Start a process that waits for `go` and then writes lines `first` to `last`."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.live.write_lines", name, str(first), str(last), way],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def go(*writers: subprocess.Popen[str]) -> None:
    """Let writers write, all at the same time, once each is ready."""
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()


def finish(*writers: subprocess.Popen[str]) -> None:
    """Wait until writers have written everything."""
    for writer in writers:
        writer.communicate(timeout=120)
        assert writer.returncode == 0
