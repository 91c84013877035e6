"""Bound the open streams of each user and each network address, and replace a page's own older stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from django.conf import settings

from agentforge.accounts.addresses import forwarded_address
from agentforge.accounts.throttling.rate_limits import PEOPLE_PER_ADDRESS
from agentforge.accounts.throttling.throttle import address_subject

from .admission import Refused

RETRY_AFTER = 10
_REFUSAL = (
    "{} {} live connections open, which is the limit. This page was not connected and shows what it had. "
    "Close pages in other browsers; it tries again by itself."
)


class OpenStream:
    """One open stream of a page; `page` is its random id, empty for clients that send none."""

    def __init__(self, page: str) -> None:
        self.page = page
        self.leave: Callable[[], None] = lambda: None


class StreamLimits:
    """The open streams of one event loop, that is, of one process."""

    def __init__(self) -> None:
        self._by_address: dict[str, int] = {}
        self._by_user: dict[str, dict[OpenStream, None]] = {}

    @contextmanager
    def of_address(self, scope: Mapping[str, Any]) -> Iterator[None]:
        """Count a request for its network address; raises Refused (429) over the limit."""
        address = stream_address(scope)
        limit = settings.MOST_STREAMS_PER_PERSON * PEOPLE_PER_ADDRESS
        count = self._by_address.get(address, 0)
        if address and 0 < limit <= count:
            raise _refused("This network address has", count)
        self._by_address[address] = count + 1
        try:
            yield
        finally:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]

    @contextmanager
    def of_user(self, user_id: str, page: str) -> Iterator[OpenStream]:
        """Count a stream for its user, in place of an older one of the same page.

        Raises Refused (429) over the limit.
        """
        own = self._by_user.setdefault(user_id, {})
        older = next((each for each in own if page and each.page == page), None)
        if older is not None:
            del own[older]
            older.leave()
        if 0 < settings.MOST_STREAMS_PER_PERSON <= len(own):
            raise _refused("You have", len(own))
        stream = OpenStream(page)
        own[stream] = None
        try:
            yield stream
        finally:
            own.pop(stream, None)
            if not own:
                self._by_user.pop(user_id, None)


def stream_address(scope: Mapping[str, Any]) -> str:
    """Return what stands for a client's network address; empty if it has none."""
    direct = (scope.get("client") or [""])[0]
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return address_subject("streams", forwarded_address(direct, ",".join(lines))) or ""


def _refused(who: str, count: int) -> Refused:
    headers = {"Retry-After": str(RETRY_AFTER)}
    return Refused(HTTPStatus.TOO_MANY_REQUESTS, _REFUSAL.format(who, count), headers=headers)
