"""Read pages as several people do, each with a pause after a page, until standard input ends.

The arguments are an address, the number of people, their pause in seconds, and the paths; the first line of
standard input is the value of an Authorization header. At the end it prints the milliseconds of each page.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import threading
import time
from urllib.parse import urlsplit

_PATIENCE = 60


class Reader(threading.Thread):
    """One person with a connection of their own; `milliseconds` has a value for each page."""

    def __init__(self, number: int, address: str, pause: float, paths: list[str], token: str) -> None:
        super().__init__()
        self.milliseconds: list[float] = []
        self.failures: list[str] = []
        self._address, self._pause, self._paths, self._token = address, pause, paths, token
        self._random = random.Random(number)  # noqa: S311 - the same pauses in each run
        self._number = number

    def run(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=_PATIENCE)
        # People don't open their pages at the same moment.
        if ended.wait(self._random.random() * self._pause):
            return
        turn = self._number
        while True:
            path = self._paths[turn % len(self._paths)]
            started = time.perf_counter()
            connection.request("GET", path, headers={"Authorization": self._token, "Accept": "text/html"})
            answer = connection.getresponse()
            answer.read()
            self.milliseconds.append((time.perf_counter() - started) * 1000)
            if answer.status != http.client.OK:
                self.failures.append(f"{path} answered {answer.status}")
            turn += 1
            if ended.wait(self._pause * (0.5 + self._random.random())):
                return


ended = threading.Event()


def main() -> None:
    url, people, pause, *paths = sys.argv[1:]
    token = sys.stdin.readline().strip()
    address = urlsplit(url).netloc
    readers = [Reader(number, address, float(pause), paths, token) for number in range(int(people))]
    for reader in readers:
        reader.start()
    sys.stdin.read()
    ended.set()
    for reader in readers:
        reader.join()
    failures = [failure for reader in readers for failure in reader.failures]
    if failures:
        sys.exit(f"{len(failures)} pages failed: {failures[0]}")
    print(json.dumps([ms for reader in readers for ms in reader.milliseconds]))


if __name__ == "__main__":
    main()
