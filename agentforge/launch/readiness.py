"""Wait until the web server answers; `python -m agentforge.launch.readiness` asks once, for containers."""

from __future__ import annotations

import http.client
import sys
import threading
import time

from . import options

PAUSE = 0.05  # seconds between two requests
LIMIT = 180.0


def wait_until_healthy(host: str, port: int, *, host_header: str, ended: threading.Event) -> bool:
    """Poll `GET /healthz` until it returns 200; return False if `ended` is set or after LIMIT seconds."""
    address = _reachable(host)
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline and not ended.wait(PAUSE):
        if _answers(address, port, host_header):
            return True
    return False


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def host_header(allowed_hosts: list[str]) -> str:
    """Return a name under which the forge is reached."""
    return next((host for host in allowed_hosts if "*" not in host), "localhost").lstrip(".")


def main() -> int:
    """Return 0 if the web server of these settings is healthy, else 1."""
    chosen = options.read()
    return 0 if _answers(_reachable(chosen.host), chosen.port, host_header(chosen.allowed_hosts)) else 1


def _answers(host: str, port: int, host_header: str) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", "/healthz", headers={"Host": host_header})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
