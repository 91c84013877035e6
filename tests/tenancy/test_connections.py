"""A client that goes away in the middle of a request takes no database connection with it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Mapping
from typing import Any, cast

import psycopg
import pytest
from django.db import connection
from django.test import Client

from agentforge.accounts.models import User
from agentforge.asgi import application
from agentforge.tenancy import rls
from configs.models import AgentConfig, ProcessRun
from configs.services import create_agent
from tests.drivers.database import connected
from tests.drivers.web_process import environment

ClientOf = Callable[[User], Client]

_WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'configs_agentconfig'::regclass"


def _scope(cookie: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": "/agents/",
        "raw_path": b"/agents/",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 5),
        "headers": [(b"host", b"127.0.0.1"), (b"cookie", cookie.encode())],
    }


async def _leave_while_it_waits(scope: dict[str, Any], locks: psycopg.Connection[Any]) -> None:
    """Ask for a page that waits for a lock, hang up, and cancel as a server does that waited long enough."""
    messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    messages.put_nowait({"type": "http.request", "body": b"", "more_body": False})

    async def send(message: Mapping[str, Any]) -> None:
        raise AssertionError(f"Nobody is there for {message['type']}.")

    request = asyncio.create_task(application(scope, messages.get, send))
    async with asyncio.timeout(30):
        while not locks.execute(_WAITS).fetchone()[0]:  # type: ignore[index] # count(*) has a row
            await asyncio.sleep(0)
    messages.put_nowait({"type": "http.disconnect"})
    await asyncio.sleep(0)
    request.cancel()
    locks.rollback()
    await asyncio.gather(request, return_exceptions=True)


async def _all_given_back(pool: Any) -> None:
    async with asyncio.timeout(30):
        while (stats := pool.get_stats())["pool_available"] < stats["pool_size"]:
            await asyncio.sleep(0)


@pytest.mark.django_db(transaction=True)
def test_a_request_that_its_client_left_gives_its_connection_back(alice: User, client_of: ClientOf) -> None:
    cookie = f"sessionid={client_of(alice).cookies['sessionid'].value}"
    connection.close()
    with connected(environment()["DATABASE_URL"], autocommit=False) as locks:
        for _ in range(3):
            locks.execute("LOCK TABLE configs_agentconfig IN ACCESS EXCLUSIVE MODE")
            asyncio.run(_leave_while_it_waits(_scope(cookie), locks))
    asyncio.run(_all_given_back(cast(Any, connection).pool))
    gc.collect()


@pytest.mark.django_db(transaction=True)
def test_a_request_does_not_wait_long_for_a_row(
    alice: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rls, "LOCK_TIMEOUT", "100ms")
    agent = create_agent(AgentConfig(owner=alice, name="Ada", handle="ada", provider="local", model="m"))
    client, path = client_of(alice), f"/agents/{agent.pk}/process/"
    with connected(environment()["DATABASE_URL"], autocommit=False) as locks:
        locks.execute("SELECT 1 FROM configs_agentconfig FOR UPDATE")
        refused = client.post(path)
        assert (refused.status_code, refused["Retry-After"]) == (503, "10")
        assert "Nothing was changed" in refused.content.decode()
        assert client.post(path, headers={"Accept": "application/json"}).json()["status"] == 503
    assert not ProcessRun.objects.exists()
    assert client.post(path).status_code == 302
