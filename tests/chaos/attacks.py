"""Attack a web process as one person, and read pages as another while it lasts."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
from django.test import Client

from agentforge.accounts.models import User
from tests.drivers import people
from tests.drivers.web_process import WebProcess
from tests.standins.dripping import DrippingServer

Request = Callable[[], int]
PASSWORD = "correct horse battery"
JSON = {"Accept": "application/json"}
# What a proxy in front of the forge says of the two.
ATTACKER, OTHER = "203.0.113.5", "198.51.100.7"
SECONDS = 60.0
FEWEST_PAGES = 20


@dataclass(frozen=True)
class Outcome:
    """How each kind of request was answered, and how long the other person's pages took, in seconds."""

    statuses: dict[str, Counter[int]]
    pages: list[float]

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.pages, n=20)[-1]

    def __str__(self) -> str:
        answers = ", ".join(f"{kind}: {dict(counts)}" for kind, counts in self.statuses.items())
        return f"{answers}; {len(self.pages)} pages, p95 {self.p95:.2f} s, slowest {max(self.pages):.2f} s"


class Attack:
    """Requests of one person, sent all at once."""

    def __init__(self, process: WebProcess, user: User) -> None:
        self._url = process.url
        self._user = user

    def sign_ins(self, count: int) -> list[Request]:
        """Return sign-ins with the person's own right password."""
        body = {"email": self._user.email, "password": PASSWORD}
        return [lambda: self._post("/sign-in/", body)] * count

    def key_tests(self, server: DrippingServer, count: int) -> list[Request]:
        """Return tests of keys at a server that drips."""
        token = {"Authorization": people.bearer_of(self._user)}
        return [
            lambda number=number: self._post(  # type: ignore[misc] # binds each number
                "/keys/add/openai_compatible/",
                {"name": f"Key {number}", "key": "sk-0123456789abcdef", "base_url": server.url},
                **token,
            )
            for number in range(count)
        ]

    def _post(self, path: str, body: dict[str, str], **headers: str) -> int:
        sent = {**JSON, "X-Forwarded-For": ATTACKER, **headers}
        return httpx.post(f"{self._url}{path}", json=body, headers=sent, timeout=SECONDS).status_code


def pages_during(process: WebProcess, reader: User, requests: Mapping[str, Sequence[Request]]) -> Outcome:
    """Send all requests at once; meanwhile read the other person's pages one after another."""
    browser = Client()
    people.sign_in(browser, reader)
    cookies = {"sessionid": browser.cookies["sessionid"].value}
    pages: list[float] = []
    with ThreadPoolExecutor(sum(map(len, requests.values()))) as threads:
        sent = {kind: [threads.submit(each) for each in all_of] for kind, all_of in requests.items()}
        waited = [each for all_of in sent.values() for each in all_of]
        with httpx.Client(base_url=process.url, cookies=cookies, timeout=SECONDS) as pages_of:
            while len(pages) < FEWEST_PAGES or not all(each.done() for each in waited):
                started = time.monotonic()
                for path in ("/agents/", "/healthz"):
                    answer = pages_of.get(path, headers={"X-Forwarded-For": OTHER})
                    assert answer.status_code == 200, answer.text
                pages.append(time.monotonic() - started)
    return Outcome({kind: Counter(each.result() for each in all_of) for kind, all_of in sent.items()}, pages)
