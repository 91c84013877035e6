"""Wait until the web server answers."""

from __future__ import annotations

import http.client
import threading
import time

PAUSE = 0.05  # seconds between two requests
LIMIT = 180.0


def wait_until_healthy(host: str, port: int, *, host_header: str, ended: threading.Event) -> bool:
    """Poll `GET /healthz` until it returns 200; return False if `ended` is set or after LIMIT seconds."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline and not ended.wait(PAUSE):
        if _answers(address, port, host_header):
            return True
    return False


def _answers(host: str, port: int, host_header: str) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", "/healthz", headers={"Host": host_header})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
