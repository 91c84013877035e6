"""Read pages as several people do, each with a pause after a page, until standard input ends.

The arguments are an address, the number of people, their pause in seconds, and the pages as NAME=PATH; the
first line of standard input is the value of an Authorization header. At the end it prints the milliseconds of
each page by its name.
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
    """One person with a connection of their own; `milliseconds` has each page's name and time."""

    def __init__(self, number: int, address: str, pause: float, pages: list[list[str]], token: str) -> None:
        super().__init__()
        self.milliseconds: list[tuple[str, float]] = []
        self.failures: list[str] = []
        self._address, self._pause, self._pages, self._token = address, pause, pages, token
        self._random = random.Random(number)  # noqa: S311 - the same pauses in each run
        self._number = number

    def run(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=_PATIENCE)
        # People don't open their pages at the same moment.
        if ended.wait(self._random.random() * self._pause):
            return
        turn = self._number
        while True:
            name, path = self._pages[turn % len(self._pages)]
            started = time.perf_counter()
            connection.request("GET", path, headers={"Authorization": self._token, "Accept": "text/html"})
            answer = connection.getresponse()
            answer.read()
            self.milliseconds.append((name, (time.perf_counter() - started) * 1000))
            if answer.status != http.client.OK:
                self.failures.append(f"{path} answered {answer.status}")
            turn += 1
            if ended.wait(self._pause * (0.5 + self._random.random())):
                return


ended = threading.Event()


def main() -> None:
    url, people, pause, *arguments = sys.argv[1:]
    pages = [argument.split("=", 1) for argument in arguments]
    token = sys.stdin.readline().strip()
    address = urlsplit(url).netloc
    readers = [Reader(number, address, float(pause), pages, token) for number in range(int(people))]
    for reader in readers:
        reader.start()
    sys.stdin.read()
    ended.set()
    for reader in readers:
        reader.join()
    failures = [failure for reader in readers for failure in reader.failures]
    if failures:
        sys.exit(f"{len(failures)} pages failed: {failures[0]}")
    times: dict[str, list[float]] = {}
    for name, milliseconds in (page for reader in readers for page in reader.milliseconds):
        times.setdefault(name, []).append(milliseconds)
    print(json.dumps(times))


if __name__ == "__main__":
    main()
