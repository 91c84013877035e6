"""Use the whole product once: every page with its filters, every act, the administration, workers, upkeep."""

from __future__ import annotations

import asyncio
import inspect
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

if TYPE_CHECKING:
    from django.http import HttpResponseBase
    from django.test import Client

    from agentforge.accounts.models import User
    from tests.drivers.html_tree import Element
    from tests.test_access_matrix import Hers

Mark = Callable[[str], object]
# Of one address without its numbers, the pages that differ in their query.
MOST_OF_A_PAGE, MOST_PAGES = 6, 300
_NUMBER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+")


def use(hers: Hers, alice: User, olga: User, mark: Mark) -> None:
    """Do all of it in turn, except acts; `mark` is called with the name of each place before it."""
    from django.urls import reverse

    from tests.test_access_matrix import MATRIX

    gets = [name for name, row in MATRIX.items() if row.method == "GET"]
    _walk(_client_of(alice), [_path(name, hers) for name in gets], mark)
    _walk(_client_of(olga), [reverse("admin:index"), reverse("metrics")], mark)
    _work(hers, alice, mark)
    _keep_up(mark)


def act(hers: Hers, alice: User, mark: Mark) -> None:
    """Do each act; what they enqueue stays in the queue."""
    from tests.test_access_matrix import MATRIX

    for name, row in MATRIX.items():
        if row.method != "GET":
            _act(name, hers, alice, mark)


def _client_of(user: User) -> Client:
    from django.test import Client

    from tests.drivers.people import sign_in

    client = Client(SERVER_NAME="localhost", raise_request_exception=False)
    sign_in(client, user)
    return client


def _path(name: str, hers: Hers) -> str:
    from django.urls import reverse

    from tests.test_access_matrix import MATRIX

    args = {key: getattr(hers, value, value) for key, value in MATRIX[name].args.items()}
    return reverse(name, kwargs=args)


def _walk(client: Client, start: list[str], mark: Mark) -> None:
    """Ask for these pages, for those that they link to with a query, and for what their forms ask."""
    from tests.drivers.html_tree import read_html

    waiting, asked = deque(start), dict[str, set[str]]()
    total = 0
    while waiting and total < MOST_PAGES:
        path = waiting.popleft()
        queries = asked.setdefault(_place(path), set())
        if _kind(path) in queries or len(queries) >= MOST_OF_A_PAGE:
            continue
        queries.add(_kind(path))
        total += 1
        mark(f"GET {_place(path)}")
        response = client.get(path)
        if response.status_code == 200 and response["Content-Type"].startswith("text/html"):
            page = read_html(_text(response))
            waiting.extend(_links(page, path))
            waiting.extend(_questions(page, path))


def _text(response: HttpResponseBase) -> str:
    return b"".join(response).decode("utf-8", "replace")


def _place(path: str) -> str:
    return _NUMBER.sub("#", urlsplit(path).path)


def _kind(path: str) -> str:
    """Return a query in which numbers don't count; further pages of a list are one kind."""
    return _NUMBER.sub("#", urlsplit(path).query)


def _links(page: Element, path: str) -> Iterator[str]:
    here = urlsplit(path).path
    for link in page.all("a"):
        target = urlsplit(link["href"])
        at = target.path or here
        if target.netloc or target.scheme or not at.startswith("/"):
            continue
        # The administration is known by its links alone.
        if (target.query and at == here) or (at.startswith("/admin/") and here.startswith("/admin/")):
            yield f"{at}?{target.query}" if target.query else at


def _questions(page: Element, path: str) -> Iterator[str]:
    """Yield what a form with GET asks: each of its fields alone, with a word or with each choice."""
    here = urlsplit(path).path
    for form in page.all("form"):
        if form["method"].lower() not in ("", "get"):
            continue
        action = urlsplit(form["action"]).path or here
        for field in form.all("select"):
            for option in field.all("option"):
                yield f"{action}?{urlencode({field['name']: option['value']})}"
        for field in form.all("input"):
            if field["name"] and field["type"] in ("", "text", "search"):
                yield f"{action}?{urlencode({field['name']: 'agent'})}"
                yield f"{action}?{urlencode({field['name']: 'nobody has it'})}"


def _act(name: str, hers: Hers, alice: User, mark: Mark) -> None:
    from tests.test_access_matrix import MATRIX

    # Of its own, as some end it.
    client, row = _client_of(alice), MATRIX[name]
    mark(f"{row.method} {name}")
    body = urlencode(parse_qsl("&".join(f"{key}={value}" for key, value in row.data.items())))
    response = client.generic(
        row.method, _path(name, hers), body, content_type="application/x-www-form-urlencoded"
    )
    _text(response)


def _work(hers: Hers, alice: User, mark: Mark) -> None:
    """Let a worker build an agent, and look at its log."""
    from agentforge.live import log
    from agentforge.live.reader import LogReader
    from bench.workers import working
    from builds.logs.follower import follow
    from builds.services import enqueue_build
    from configs.models import AgentConfig

    agent = AgentConfig.objects.get(pk=hers.agent)
    agent.description = f"At {time.time()}"
    agent.save()
    mark("worker")
    with working(1, queues="builds"):
        build = enqueue_build(agent, by=alice)
        for _ in follow([build.stream_name], lambda: False):
            pass
    mark("live log")

    async def view() -> None:
        reader = LogReader()
        for statement in (log.SHOWN_AFTER, log.SHOWN_NEWEST):
            await reader.page(statement, build.stream_name, 0, log.PAGE_BYTES)
        await reader.close()

    asyncio.run(view())


def _keep_up(mark: Mark) -> None:
    """Do each kind of upkeep: the periodic tasks, and the steps of pruning one by one."""
    from django.db import DatabaseError
    from django.utils import timezone
    from procrastinate.contrib.django import app

    from builds import tasks
    from builds.operations import pruning

    for kind, step in pruning.steps().items():
        mark(f"prune: {kind}")
        with suppress(DatabaseError):
            for _ in step(pruning.Moment(timezone.now()), True):
                pass
    for entry in app.periodic_registry.periodic_tasks.values():
        if entry.task.name in (tasks.prune.name, tasks.tidy.name, tasks.warm_up.name):
            continue
        mark(f"every {entry.cron}: {entry.task.name}")
        with suppress(DatabaseError):
            running = entry.task.func(timestamp=int(time.time()))
            if inspect.isawaitable(running):
                asyncio.run(_awaited(running))


async def _awaited(running: Awaitable[object]) -> None:
    await running
