"""Use a running forge as a script does: over HTTP alone, again and again while it is away."""

from __future__ import annotations

import time
from typing import Any

import httpx

from tests.browser.journey import PASSWORD
from tests.drivers.sse_client import LiveConnection

SECONDS = 60.0
AWAY = (httpx.TransportError,)
# What a forge offers whose `LOCAL_MODEL_URL` is the stand-in's.
LOCAL = {"provider": "local", "model": "smollm2-135m"}


class Script:
    """A person's script; also what followers need of a web process: `follow()`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.headers: dict[str, str] = {}

    def sign_up(self, name: str) -> None:
        told = self.ask("POST", "/sign-up/", {"email": f"{name}@example.com", "password": PASSWORD})
        self.headers = {"Authorization": f"Bearer {told['tokens']['access_token']}"}

    def make_agent(self, name: str) -> int:
        made = self.ask("POST", "/agents/new/", {"name": name})
        self.ask("POST", f"/agents/{made['id']}/keys/", LOCAL)
        return int(made["id"])

    def compile(self, agent: int) -> dict[str, Any]:
        build: dict[str, Any] = self.ask("POST", f"/agents/{agent}/compile/", {})["build"]
        return build

    def compile_elsewhere(self, agent: int, builder: str) -> dict[str, Any]:
        """Compile an agent at a builder: only what was built, or cancelled, can be asked for elsewhere."""
        first = self.compile(agent)
        self._ask("POST", f"/builds/{first['id']}/cancel/", {})
        while self.build(first["id"])["status"] in ("queued", "running"):
            time.sleep(0.1)
        build: dict[str, Any] = self.ask(
            "POST", f"/builds/{first['id']}/retry-elsewhere/", {"builder": builder}
        )["build"]
        return build

    def build(self, number: int) -> dict[str, Any]:
        result: dict[str, Any] = self.ask("GET", f"/builds/{number}/")["build"]
        return result

    def download(self, number: int, path: str) -> bytes:
        return self._ask("GET", f"/builds/{number}/files/{path}", None).content

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the answer to a request; asked once more while the forge is away."""
        answer = self._ask(method, path, body)
        assert answer.status_code < 300, (path, answer.status_code, answer.text)
        result: dict[str, Any] = answer.json()
        return result

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> httpx.Response:
        started = time.monotonic()
        while True:
            try:
                answer = httpx.request(
                    method,
                    f"{self.url}{path}",
                    json=body,
                    headers={**self.headers, "Accept": "application/json"},
                    timeout=SECONDS,
                )
            except AWAY:
                pass
            else:
                if answer.status_code < 500:
                    return answer
            assert time.monotonic() - started < SECONDS, f"{path} was never answered"
            # Nothing tells a client that a server is back.
            time.sleep(0.1)

    def follow(
        self,
        headers: dict[str, str],
        *channels: str,
        last_event_id: str = "",
        query: dict[str, str] | None = None,
        receive_buffer: int | None = None,
    ) -> LiveConnection:
        """Return a connection to /live/, to be entered."""
        return LiveConnection(self.url, channels, headers, last_event_id, query or {}, receive_buffer)

    def wait_until_up(self) -> None:
        """Return when the web process answers."""
        self._ask("GET", "/healthz", None)
