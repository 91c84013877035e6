"""Measure milliseconds and queries of each wizard tab and of a list of 1,000 agents.

The rival is a page of the same layout without rows, through the same middleware.
"""

from __future__ import annotations

import json
import statistics
import time
from typing import TYPE_CHECKING

from .stage import agent, database

if TYPE_CHECKING:
    from django.test import Client

ROUNDS = 20
AGENTS = 1000
TABS = ("identity", "keys", "personality", "capabilities")


def main() -> None:
    with database():
        _measure()


def _measure() -> None:
    from django.test import Client
    from django.urls import reverse

    from configs.models import AgentConfig
    from tests.drivers.people import make_user, sign_in

    ada = agent()
    pages = {tab: reverse(f"configs:{tab}", args=[ada.pk]) for tab in TABS}
    pages |= {"build": reverse("builds:agent", args=[ada.pk]), "try": reverse("builds:try", args=[ada.pk])}
    client, stranger = Client(SERVER_NAME="localhost"), Client(SERVER_NAME="localhost")
    sign_in(client, ada.owner)
    sign_in(stranger, make_user("bob"))
    rival, _ = page_cost(stranger, reverse("builds:list"))
    for name, url in pages.items():
        _print(name, *page_cost(client, url), rival)
    values = {field.attname: getattr(ada, field.attname) for field in ada._meta.fields}
    del values["id"]
    copies = range(1, AGENTS)
    AgentConfig.objects.bulk_create(
        AgentConfig(**{**values, "name": f"Agent {n}", "handle": f"agent-{n}"}) for n in copies
    )
    _print(f"list of {AGENTS:,} agents", *page_cost(client, reverse("configs:list")), rival)


def page_cost(client: Client, url: str) -> tuple[float, int]:
    """Return the median milliseconds of a page and its number of queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        answer = client.get(url)
        times.append((time.perf_counter() - started) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"{url} answered {answer.status_code}")
    with CaptureQueriesContext(connection) as queries:
        client.get(url)
    return statistics.median(times), len(queries)


def _print(page: str, ms: float, queries: int, rival_ms: float) -> None:
    named = {"figure": "page_ms", "page": page, "ms": round(ms, 1), "queries": queries}
    rival = {"rival": "a page of the same frame without rows", "rival_ms": round(rival_ms, 1)}
    print(json.dumps({**named, **rival}), flush=True)


if __name__ == "__main__":
    main()
