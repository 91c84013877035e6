"""Follow a build of another forge through its event stream."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import httpx

from agentforge.retry import Backoff
from agentforge.telemetry.outbound_calls import LoggedClient

# The forge sends a keep-alive every 20 seconds.
_READ_TIMEOUT = 65.0
_TRANSIENT = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)

REFUSALS = {
    HTTPStatus.UNAUTHORIZED: "The forge does not know this token. Set AGENTFORGE_TOKEN to a valid one.",
    HTTPStatus.FORBIDDEN: "The forge requires a second factor; sign in with it and use that session's token.",
    HTTPStatus.NOT_FOUND: "The forge has no such build of yours, or its log was pruned.",
}


class Refused(Exception):
    """The forge refused the stream; a retry will not help."""


def follow_remote(
    url: str, token: str, channel: str, on_disconnect: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    """Yield a stream's records, each once and in order, until it ends.

    Reconnects after a disconnect and resumes there; `on_disconnect(message)` reports it. Raises Refused.
    """
    position, delays = 0, Backoff(0.2, 10.0)
    timeout = httpx.Timeout(15.0, read=_READ_TIMEOUT)
    with LoggedClient(headers={"Authorization": f"Bearer {token}"}, timeout=timeout) as client:
        while True:
            try:
                for seq, record in _records(client, url, channel, position):
                    position = seq
                    delays.reset()
                    yield record
                    if record["kind"] == "end":
                        return
            except _StreamEnded:
                return
            except httpx.HTTPError as error:
                cause = type(error).__name__
                on_disconnect(f"No connection ({cause}); trying again from record {position + 1}.")
            time.sleep(delays.next())


class _StreamEnded(Exception):
    """The stream has ended and has no records after the position."""


def _records(
    client: httpx.Client, url: str, channel: str, position: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (sequence number, record) after a position until the connection ends."""
    headers = {"Accept": "text/event-stream", "Last-Event-ID": f"{channel}:{position}"}
    with client.stream("GET", f"{url}/live/", params={"channel": channel}, headers=headers) as response:
        if response.status_code == HTTPStatus.NO_CONTENT:
            raise _StreamEnded
        if response.is_client_error and response.status_code not in _TRANSIENT:
            message = REFUSALS.get(HTTPStatus(response.status_code))
            raise Refused(message or f"The forge answered {response.status_code}.")
        response.raise_for_status()
        if response.status_code != HTTPStatus.OK:
            raise Refused(f"{url} answered {response.status_code}. Is this the forge's URL?")
        for line in response.iter_lines():
            name, _, data = line.partition(": ")
            if name == "data":
                event = json.loads(data)
                for seq, record in enumerate(event["records"], start=event["seq"]):
                    if seq > position:
                        yield seq, record
