"""The field's hubs for server-sent events, beside which our live log is measured.

Centrifugo is measured in the same run where its program is on PATH or named by CENTRIFUGO; it can be had by
`go install github.com/centrifugal/centrifugo/v6@v6.9.1`. Otherwise, and for Mercure, there are figures of an
earlier day, of another load.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx

from tests.drivers.ports import free_port

from .served import Served

# By hub and number of viewers: p50 and p99 in ms, KB of a viewer.
KNOWN_SINCE = "November 2026"
KNOWN: dict[str, dict[int, tuple[float, float, float | None]]] = {
    "Mercure with Bolt": {1000: (17.5, 57, 52), 5000: (65, 153, None)},
    "Centrifugo in memory": {1000: (16.4, 62, 62), 5000: (67, 172, None)},
}
_CHANNEL = "log"


@dataclass
class CentrifugoServed(Served):
    """A running Centrifugo, to whose channel anybody may subscribe."""

    @property
    def stream(self) -> str:
        subscribed = quote(json.dumps({"subs": {self.channel: {}}}))
        return f"{self.url}/connection/uni_sse?cf_connect={subscribed}"


def centrifugo_program() -> str | None:
    """Return the path of Centrifugo, or None where there is none."""
    return os.environ.get("CENTRIFUGO") or shutil.which("centrifugo")


@contextmanager
def centrifugo(program: str) -> Iterator[Served]:
    """Run Centrifugo without its history, and publish to it by its HTTP API."""
    port = free_port()
    settings = {
        "http_server": {"address": "127.0.0.1", "port": str(port)},
        "log": {"level": "error"},
        "client": {"allow_anonymous_connect_without_token": True},
        "channel": {
            "without_namespace": {"allow_subscribe_for_client": True, "allow_subscribe_for_anonymous": True}
        },
        "uni_sse": {"enabled": True},
        "http_api": {"insecure": True},
    }
    with tempfile.TemporaryDirectory(prefix="agentforge-bench-") as directory:
        file = Path(directory) / "config.json"
        file.write_text(json.dumps(settings))
        process = subprocess.Popen([program, "--config", str(file)], cwd=directory)
        try:
            _wait_until_it_listens(port, process)
            yield CentrifugoServed(process, f"http://127.0.0.1:{port}", _CHANNEL, "", _Publisher(port).feed)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("Centrifugo ended.")


class _Publisher:
    """Publishes over one connection, as the application that a hub serves does."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)

    def feed(self, count: int, seconds: float) -> None:
        for _ in range(count):
            record = {"t": time.time(), "kind": "line", "stream": "out", "text": "line"}
            body = json.dumps({"channel": _CHANNEL, "data": record}, separators=(",", ":"))
            self._connection.request("POST", "/api/publish", body, {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()
            time.sleep(seconds)
