"""Fetch and cache an identity service's published keys."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

from agentforge.accounts.errors import IdentityUnavailable
from agentforge.telemetry.outbound_calls import LoggedClient
from agentforge.tenancy.request_transaction import outside_transaction

MAX_BYTES = 65_536


class JWKSCache:
    """A cache of the keys of a JWKS URL.

    The keys are fresh for `fresh` seconds and usable for `usable` while the service is down: no access token
    lives longer. An unknown key id triggers a fetch, at most every `pause` seconds, so that forged tokens
    can't cause load. `clock` counts seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        fresh: float = 600,
        usable: float = 3600,
        pause: float = 30,
        timeout: float = 5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._fresh, self._usable, self._pause = fresh, usable, pause
        self._timeout = timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, dict[str, Any]] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None

    def jwk(self, kid: str) -> dict[str, Any] | None:
        if self._is_due(kid):
            with outside_transaction():
                self._fetch_once(kid)
        age = self._age(self._fetched_at)
        if age is None or age > self._usable:
            raise IdentityUnavailable("The identity service does not answer.")
        return self._keys.get(kid)

    def _fetch_once(self, kid: str) -> None:
        # While another thread fetches, a key that is known already need not wait.
        if not self._lock.acquire(blocking=kid not in self._keys):
            return
        try:
            if self._is_due(kid):
                self._fetch()
        finally:
            self._lock.release()

    def _is_due(self, kid: str) -> bool:
        last_try = self._age(self._tried_at)
        if last_try is not None and last_try < self._pause:
            return False
        age = self._age(self._fetched_at)
        return age is None or age > self._fresh or kid not in self._keys

    def _age(self, moment: float | None) -> float | None:
        return None if moment is None else self._clock() - moment

    def _fetch(self) -> None:
        try:
            self._keys = _read(self._url, self._timeout)
            self._fetched_at = self._clock()
        except (httpx.HTTPError, ValueError):
            return
        finally:
            # Last: others take the keys for fetched from then on.
            self._tried_at = self._clock()


def _read(url: str, timeout: float) -> dict[str, dict[str, Any]]:
    with (
        LoggedClient(timeout=timeout, follow_redirects=False, trust_env=False) as client,
        client.stream("GET", url) as response,
    ):
        if response.status_code != httpx.codes.OK:
            raise ValueError(f"status {response.status_code}")
        body = b""
        for part in response.iter_bytes():
            body += part
            if len(body) > MAX_BYTES:
                raise ValueError("too long")
    return _by_kid(json.loads(body))


def _by_kid(document: Any) -> dict[str, dict[str, Any]]:
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise ValueError("not a key set")
    return {key["kid"]: key for key in keys if isinstance(key, dict) and isinstance(key.get("kid"), str)}
