"""Check live delivery end to end: the log, a web process and a real SSE connection."""

from __future__ import annotations

import json
import secrets
import time

import httpx

from agentforge.accounts.models import User
from agentforge.live import streams
from agentforge.probe_hosts import is_address, own_host

from .diagnostics import Finding, failed, ok, warning

_RECORDS = 5
_TIMEOUT = httpx.Timeout(10.0)


def check(url: str, user: User | None, token: str | None) -> Finding:
    """Publish records on a user's stream, and read them from a web process with that user's token."""
    try:
        httpx.get(f"{url}/healthz", headers=_host(url), timeout=_TIMEOUT).raise_for_status()
    except httpx.HTTPError as error:
        remedy = "Start it (make run), or pass its address: --url http://HOST:PORT"
        return warning(f"No web process answers at {url} ({type(error).__name__}); skipped.", remedy)
    if user is None or token is None:
        remedy = "Sign up first, or pass an access token: --token TOKEN"
        return warning("There is no user to read as; skipped.", remedy)
    name = f"doctor-{secrets.token_hex(8)}"
    streams.create_stream(name, user.pk)
    try:
        return _round_trip(url, name, token)
    except httpx.HTTPError as error:
        message = f"The stream broke: {type(error).__name__}: {error}"
        return failed(message, "See the log of the web process; a proxy must not buffer /live/.")
    finally:
        streams.delete_stream(name)


def _host(url: str) -> dict[str, str]:
    """Return the header that names the forge, if the URL has only its address."""
    address = httpx.URL(url).host
    return {"Host": own_host()} if is_address(address) else {}


def _round_trip(url: str, name: str, token: str) -> Finding:
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream", **_host(url)}
    numbers: list[object] = []
    with httpx.stream(
        "GET", f"{url}/live/", params={"channel": name}, headers=headers, timeout=_TIMEOUT
    ) as response:
        if response.status_code != 200:
            return failed(f"The web process refused with {response.status_code}.", "See its log.")
        started = time.monotonic()
        streams.publish(name, *({"kind": "doctor", "number": number} for number in range(_RECORDS)))
        # Closing the stream ends the response once everything was sent.
        streams.close_stream(name)
        for line in response.iter_lines():
            if line.startswith("data:"):
                numbers += [record.get("number") for record in json.loads(line[5:])["records"]]
    ms = 1000 * (time.monotonic() - started)
    if numbers != [*range(_RECORDS), None]:
        return failed(f"Of {_RECORDS} records, these arrived: {numbers}.", "See the log of the web process.")
    return ok(f"{_RECORDS} records arrived through {url} in order, in {ms:.0f} ms.")
