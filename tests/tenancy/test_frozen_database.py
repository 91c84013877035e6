"""A frozen database says nothing at all: pages and streams say so within a bounded time, and recover."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django.db import connection
from django.test import Client

from agentforge.accounts.models import User
from agentforge.live.streams import create_stream, publish
from agentforge.tenancy import connections
from agentforge.tenancy.patience import SECONDS
from configs.models import AgentConfig
from tests.drivers.people import bearer_of, make_user
from tests.drivers.relay import Relay
from tests.drivers.web_process import WebProcess

ClientOf = Callable[[User], Client]
# A page has to answer within this many seconds: it waits in vain once, not twice.
LIMIT = 2 * SECONDS
PAGE = {"Accept": "text/html"}
SCRIPT = {"Accept": "application/json"}


@pytest.fixture
def owner(transactional_db: None) -> User:
    return make_user("alice")


@pytest.fixture(autouse=True)
def thawed(relay: Relay, owner: User) -> Iterator[None]:
    """Leave no transaction open that would keep the tables from being emptied."""
    yield
    relay.thaw()


@pytest.fixture
def signed_in(owner: User) -> dict[str, str]:
    return {"Authorization": bearer_of(owner)}


@pytest.fixture(scope="module")
def relay(django_db_setup: None) -> Iterator[Relay]:
    with Relay() as relay:
        yield relay


@pytest.fixture(scope="module")
def web(relay: Relay) -> Iterator[WebProcess]:
    with WebProcess(DATABASE_URL=relay.url) as process:
        yield process


def timed(method: str, url: str, headers: dict[str, str], **data: str) -> tuple[requests.Response, float]:
    began = time.monotonic()
    response = requests.request(method, url, headers=headers, data=data or None, timeout=60)
    return response, time.monotonic() - began


def next_texts(web: WebProcess, headers: dict[str, str], position: str) -> list[tuple[int, str]]:
    with web.follow(headers, "build-1", last_event_id=position) as stream:
        return [(seq, record["text"]) for seq, record in next(iter(stream)).records]


def test_pages_scripts_and_streams_are_told_and_go_on_afterwards(
    relay: Relay, web: WebProcess, owner: User, signed_in: dict[str, str]
) -> None:
    create_stream("build-1", owner.pk)
    publish("build-1", {"kind": "line", "text": "before"})
    # Several connections lie in the pool.
    with ThreadPoolExecutor(8) as many:
        paths = ["/agents/"] * 8
        warm = list(many.map(lambda path: requests.get(web.url + path, headers=signed_in, timeout=60), paths))
    assert {response.status_code for response in warm} == {200}

    with web.follow(signed_in, "build-1") as stream:
        events = iter(stream)
        position = next(events).id
        relay.freeze()
        with ThreadPoolExecutor(8) as many:
            page = many.submit(timed, "GET", f"{web.url}/agents/", {**signed_in, **PAGE})
            script = many.submit(timed, "GET", f"{web.url}/agents/", {**signed_in, **SCRIPT})
            sent = many.submit(timed, "POST", f"{web.url}/agents/new/", {**signed_in, **SCRIPT}, name="Ada")
            ready = many.submit(timed, "GET", f"{web.url}/readyz", {})
            healthy = many.submit(timed, "GET", f"{web.url}/healthz", {})
            cut = many.submit(lambda: (next(events, None), time.monotonic()))
            alive, seconds = timed("GET", f"{web.url}/livez", signed_in)
        # It does not wait for the database, not even as long as a page.
        assert (alive.status_code, seconds < SECONDS) == (200, True)
        for answer in (page, script, sent, ready, healthy):
            response, seconds = answer.result()
            assert (response.status_code, seconds < LIMIT) == (503, True), (response.url, seconds)
        assert "The database does not answer." in page.result()[0].text
        assert "Try again" in page.result()[0].text
        assert "The database does not answer." in script.result()[0].json()["detail"]
        assert cut.result()[0] is None, "The stream's end says that it is cut."

    # Who comes back while it is away waits, and misses nothing.
    with ThreadPoolExecutor(1) as one:
        again = one.submit(next_texts, web, signed_in, position)
        publish("build-1", {"kind": "line", "text": "meanwhile"})
        relay.thaw()
    assert again.result() == [(2, "meanwhile")]
    began = time.monotonic()
    assert requests.get(f"{web.url}/agents/", headers=signed_in, timeout=60).status_code == 200
    assert time.monotonic() - began < LIMIT
    assert not AgentConfig.objects.filter(owner=owner).exists(), (
        "a refused request was carried out afterwards"
    )


def test_nobody_claims_to_know_whether_a_lost_commit_was_stored(
    relay: Relay, web: WebProcess, owner: User, signed_in: dict[str, str]
) -> None:
    relay.freeze_at(b'INSERT INTO "configs_agentconfig"', b"COMMIT")
    agent = {"name": "Ada", "description": "Answers.", "type": "assistant", "version": "1.0.0"}
    response, seconds = timed("POST", f"{web.url}/agents/new/", {**signed_in, **SCRIPT}, **agent)
    assert (response.status_code, seconds < LIMIT) == (503, True), response.text
    assert "Whether this was stored is not known" in response.json()["detail"]
    assert "Nothing was changed" not in response.text


@pytest.mark.urls("tests.tenancy.tenant_pages")
@pytest.mark.parametrize("is_interrupted", [False, True])
def test_what_a_silent_statement_undid_is_said(
    is_interrupted: bool, owner: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SECONDS", 0.2)
    client = client_of(owner)
    response = client.post("/asleep" + "?remote-call=1" * is_interrupted)
    assert response.status_code == 503
    text = response.content.decode()
    assert ("Whether this was stored is not known" in text) is is_interrupted
    assert ("Nothing was changed" in text) is not is_interrupted
    assert [agent.name for agent in AgentConfig.objects.all()] == ["Before"] * is_interrupted
    # A worker's statements may take as long as they do.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.4)")
