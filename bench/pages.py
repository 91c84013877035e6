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

    # Whose page, and which.
    Asked = tuple[Client, str]

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
    others = {"build": "builds:agent", "try": "builds:try", "draft": "builds:draft"}
    pages |= {name: reverse(route, args=[ada.pk]) for name, route in others.items()}
    client, stranger = Client(SERVER_NAME="localhost"), Client(SERVER_NAME="localhost")
    sign_in(client, ada.owner)
    sign_in(stranger, make_user("bob"))
    rival = (stranger, reverse("builds:list"))
    _print_all({name: (client, url) for name, url in pages.items()}, rival)
    values = {field.attname: getattr(ada, field.attname) for field in ada._meta.fields}
    del values["id"]
    copies = range(1, AGENTS)
    AgentConfig.objects.bulk_create(
        AgentConfig(**{**values, "name": f"Agent {n}", "handle": f"agent-{n}"}) for n in copies
    )
    _print_all({f"list of {AGENTS:,} agents": (client, reverse("configs:list"))}, rival)


def page_cost(client: Client, url: str) -> tuple[float, int]:
    """Return the median milliseconds of a page and its number of queries."""
    return statistics.median(_milliseconds(client, url) for _ in range(ROUNDS)), _queries(client, url)


def _milliseconds(client: Client, url: str) -> float:
    started = time.perf_counter()
    answer = client.get(url)
    if answer.status_code != 200:
        raise SystemExit(f"{url} answered {answer.status_code}")
    return (time.perf_counter() - started) * 1000


def _queries(client: Client, url: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        client.get(url)
    return len(queries)


def _print_all(pages: dict[str, Asked], rival: Asked) -> None:
    """Measure pages in turn with the rival, and print the median of each beside its own."""
    times: dict[str, list[float]] = {name: [] for name in pages}
    rival_times = []
    for _ in range(ROUNDS):
        rival_times.append(_milliseconds(*rival))
        for name, asked in pages.items():
            times[name].append(_milliseconds(*asked))
    rival_facts = {
        "rival": "a page of the same frame without rows",
        "rival_ms": round(statistics.median(rival_times), 1),
    }
    for name, asked in pages.items():
        named = {"figure": "page_ms", "page": name, "ms": round(statistics.median(times[name]), 1)}
        print(json.dumps({**named, "queries": _queries(*asked), **rival_facts}), flush=True)


if __name__ == "__main__":
    main()
