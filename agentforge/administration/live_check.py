"""Send records through the whole way of a live page: the log, a web process, a real SSE connection."""

from __future__ import annotations

import json
import secrets
import time

import httpx

from agentforge.accounts.models import User
from agentforge.live import streams

from .diagnostics import Finding, failed, ok, warning

_RECORDS = 5
_TIMEOUT = httpx.Timeout(10.0)


def check(url: str, user: User | None, token: str | None) -> Finding:
    """Publish some records as a user's stream, and read them at a web process with that user's token."""
    try:
        httpx.get(f"{url}/healthz", timeout=_TIMEOUT).raise_for_status()
    except httpx.HTTPError as error:
        remedy = "Start it (make run), or name it: --url http://HOST:PORT"
        return warning(
            f"No web process answers at {url} ({type(error).__name__}); nothing was tried.", remedy
        )
    if user is None or token is None:
        remedy = "Sign up once, or give a token of yours: --token TOKEN"
        return warning("There is nobody to read as; nothing was tried.", remedy)
    name = f"doctor-{secrets.token_hex(8)}"
    streams.create_stream(name, user.pk)
    try:
        return _round_trip(url, name, token)
    except httpx.HTTPError as error:
        told = f"The stream broke: {type(error).__name__}: {error}"
        return failed(told, "Look at the log of the web process; a proxy must not buffer /live/.")
    finally:
        streams.delete_stream(name)


def _round_trip(url: str, name: str, token: str) -> Finding:
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    got: list[object] = []
    with httpx.stream(
        "GET", f"{url}/live/", params={"channel": name}, headers=headers, timeout=_TIMEOUT
    ) as answer:
        if answer.status_code != 200:
            return failed(f"The web process refused with {answer.status_code}.", "See its log.")
        started = time.monotonic()
        streams.publish(name, *({"kind": "doctor", "number": number} for number in range(_RECORDS)))
        # Closed, the stream ends the answer, once everything was sent.
        streams.close_stream(name)
        for line in answer.iter_lines():
            if line.startswith("data:"):
                got += [record.get("number") for record in json.loads(line[5:])["records"]]
    took = 1000 * (time.monotonic() - started)
    if got != [*range(_RECORDS), None]:
        return failed(f"Of {_RECORDS} records came {got}.", "Look at the log of the web process.")
    return ok(f"{_RECORDS} records came through {url} in order, in {took:.0f} ms.")
