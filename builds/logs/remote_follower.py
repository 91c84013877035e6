"""Follow a build of a forge elsewhere, through its event stream."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import httpx

# The forge sends a sign of life every 20 seconds.
_SILENCE = 65.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
# What may be better a moment later.
_AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)

REFUSALS = {
    HTTPStatus.UNAUTHORIZED: "The forge does not know this token. Give a valid one in AGENTFORGE_TOKEN.",
    HTTPStatus.FORBIDDEN: "The forge asks for the second factor; sign in with it and take that token.",
    HTTPStatus.NOT_FOUND: "The forge has no such build of yours, or its log was pruned.",
}


class Refused(Exception):
    """The forge will not tell, however often it is asked."""


def follow_remote(
    url: str, token: str, channel: str, told: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    """Yield a stream's records, each once and in order, until it ends.

    A broken connection is made again from where it broke; `told` hears of that. Raises Refused.
    """
    position, pause = 0, _FIRST_PAUSE
    timeout = httpx.Timeout(15.0, read=_SILENCE)
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=timeout) as client:
        while True:
            try:
                for seq, record in _connection(client, url, channel, position):
                    position, pause = seq, _FIRST_PAUSE
                    yield record
                    if record["kind"] == "end":
                        return
            except _Ended:
                return
            except httpx.HTTPError as error:
                told(f"No connection ({type(error).__name__}); trying again from record {position + 1}.")
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


class _Ended(Exception):
    """Everything was received already."""


def _connection(
    client: httpx.Client, url: str, channel: str, position: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (sequence number, record) behind a position, as long as one connection holds."""
    headers = {"Accept": "text/event-stream", "Last-Event-ID": f"{channel}:{position}"}
    with client.stream("GET", f"{url}/live/", params={"channel": channel}, headers=headers) as response:
        if response.status_code == HTTPStatus.NO_CONTENT:
            raise _Ended
        if response.is_client_error and response.status_code not in _AGAIN:
            known = REFUSALS.get(HTTPStatus(response.status_code))
            raise Refused(known or f"The forge answered {response.status_code}.")
        response.raise_for_status()
        if response.status_code != HTTPStatus.OK:
            raise Refused(f"{url} answered {response.status_code}: is this the forge's address?")
        for line in response.iter_lines():
            name, _, data = line.partition(": ")
            if name == "data":
                event = json.loads(data)
                for seq, record in enumerate(event["records"], start=event["seq"]):
                    if seq > position:
                        yield seq, record
