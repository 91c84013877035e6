"""Occupy a forge as hostile people do, and measure what that costs another tenant."""

from __future__ import annotations

import resource
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from tests.drivers.sse_client import LiveConnection

from .client import Script


@dataclass
class Person:
    """A signed-up person with compiled agents."""

    script: Script
    agents: list[int] = field(default_factory=list)

    @classmethod
    def with_agents(cls, url: str, name: str, count: int) -> Person:
        script = Script(url)
        script.sign_up(name)
        person = cls(script)
        for number in range(count):
            agent = script.make_agent(f"{name} {number}")
            script.compile(agent)
            person.agents.append(agent)
        return person

    def wait_for_builds(self) -> None:
        for agent in self.agents:
            _wait_for(self.script, agent, {"kind": "build", "status": "succeeded"})

    def ask(self, agent: int) -> None:
        self.script.ask("POST", f"/agents/{agent}/try/messages/", {"content": "Hello"})

    def seconds_until_an_answer_begins(self) -> float:
        """Ask the first agent, and return the time until its worker starts the answer."""
        began = time.monotonic()
        self.ask(self.agents[0])
        _wait_for(self.script, self.agents[0], {"kind": "chat"}, event="start")
        return time.monotonic() - began

    def page_seconds(self, count: int) -> list[float]:
        """Load pages in turn and return the time of each."""
        agent = self.agents[0]
        paths = ("/agents/", f"/agents/{agent}/identity/", f"/agents/{agent}/try/", "/builds/")
        seconds = []
        for number in range(count):
            began = time.monotonic()
            answer = httpx.get(
                f"{self.script.url}{paths[number % len(paths)]}",
                headers={**self.script.headers, "Accept": "text/html"},
                timeout=60,
            )
            seconds.append(time.monotonic() - began)
            assert answer.status_code == 200, answer.text[:300]
        return seconds


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


@contextmanager
def sockets(url: str, count: int, request: bytes) -> Iterator[list[socket.socket]]:
    """Open connections, each with these bytes sent, and keep them open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16_384), hard))
    port = urlsplit(url).port or 80
    opened: list[socket.socket] = []
    try:
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port), timeout=30)
            opened.append(connection)
            try:
                connection.sendall(request)
            except OSError:
                # It was closed again at once, in favour of a newer one.
                continue
        yield opened
    finally:
        for connection in opened:
            connection.close()


def stream_request(person: Person) -> bytes:
    """Return the request of a stream of the person's first agent."""
    token = person.script.headers["Authorization"]
    lines = (
        f"GET /live/?channel=agent-{person.agents[0]} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}"
    )
    return f"{lines}\r\n\r\n".encode()


def _wait_for(script: Script, agent: int, wanted: dict[str, str], event: str = "") -> None:
    with LiveConnection(script.url, [f"agent-{agent}"], script.headers) as connection:
        assert connection.status == 200, connection.status
        for received in connection:
            for _, record in received.records:
                matches = all(record.get(name) == value for name, value in wanted.items())
                if matches and (not event or record["event"]["type"] == event):
                    return
    raise AssertionError(f"The stream of agent {agent} ended.")
