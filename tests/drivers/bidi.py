"""Speak WebDriver BiDi (https://www.w3.org/TR/webdriver-bidi/), JSON over a WebSocket, with a browser."""

from __future__ import annotations

import itertools
import json
from typing import Any

from websockets.sync.client import connect


class BiDiError(Exception):
    """The browser refused a command: its error code and message."""


class Connection:
    """One session; commands wait for their results, and the parameters of some events are kept."""

    def __init__(self, address: str, kept: frozenset[str]) -> None:
        self.kept = kept
        # Neither compression nor a limit: both ends are on this machine.
        self._socket = connect(f"{address}/session", compression=None, max_size=None, proxy=None)
        self._numbers = itertools.count(1)
        self.events: list[dict[str, Any]] = []
        self.command("session.new", capabilities={})

    def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result. Raises BiDiError, and TimeoutError after two minutes."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=120))
            if answer["type"] == "event":
                self._keep(answer)
            elif answer["id"] == number:
                if answer["type"] == "error":
                    raise BiDiError(f"{method}: {answer['error']}: {answer['message']}")
                result: dict[str, Any] = answer["result"]
                return result

    def wait(self, seconds: float) -> None:
        """Wait for an event. Raises TimeoutError."""
        self._keep(json.loads(self._socket.recv(timeout=seconds)))

    def _keep(self, event: dict[str, Any]) -> None:
        if event["method"] in self.kept:
            self.events.append(event["params"])

    def close(self) -> None:
        self._socket.close()
