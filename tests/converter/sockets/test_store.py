"""Messages reach every listening process through PostgreSQL notifications, without polling."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg import sql

from tests.converter import node

from .driver import function_server, migrate_copy

# Longer than any test, so that messages arrive by notification, not when a stream reconnects.
LONG = {"SOCKET_STREAM_SECONDS": "3600"}
VOTES = "/sockets/server"
# Those of this database: other tests listen on the same server.
_END_LISTENERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND query ILIKE 'listen%'
"""


@pytest.fixture
def database() -> Iterator[dict[str, str]]:
    """Create a database and yield the functions' environment variables for it."""
    name = f"sockets_{uuid4().hex}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        info = connection.info
        server = {"PGHOST": info.host, "PGPORT": str(info.port), "PGUSER": info.user}
        yield {"SOCKET_DATABASE_URL": f"postgres:///{name}", "PGPASSWORD": info.password} | server
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    migrate_copy("rooms", tmp_path / "rooms")
    (tmp_path / "rooms/node_modules").symlink_to(node.packages())
    return tmp_path / "rooms"


@contextmanager
def _instance(functions: Path, **environment: str) -> Iterator[httpx.Client]:
    with (
        function_server(functions, "client.ts", **LONG | environment) as url,
        httpx.Client(base_url=url, timeout=120) as client,
    ):
        yield client


def _post(client: httpx.Client, *names: str) -> None:
    for name in names:
        assert client.post(f"{VOTES}/typing", json=[name]).status_code == 200


def _received(lines: Iterator[str], count: int) -> list[str]:
    names: list[str] = []
    while len(names) < count:
        line = next(lines)
        if line.startswith("data: "):
            names += json.loads(line[6:])
    return names


def _last_id(lines: Iterator[str]) -> str:
    """Read up to the start of the stream; return the id of the last message before it."""
    last = ""
    while (line := next(lines)) != ": hello":
        last = line.removeprefix("id: ") if line.startswith("id: ") else last
    return last


@contextmanager
def _stream(client: httpx.Client, **headers: str) -> Iterator[Iterator[str]]:
    with client.stream("GET", VOTES, headers=headers) as response:
        yield response.iter_lines()


def test_other_processes_receive_messages_at_once(database: dict[str, str], functions: Path) -> None:
    with _instance(functions, **database) as one, _instance(functions, **database) as other:
        with _stream(one) as lines:
            start = _last_id(lines)
            _post(other, "ada")
            assert _received(lines, 1) == ["ada"]
            _post(other, "bob", "cleo")
            assert _received(lines, 2) == ["bob", "cleo"]
        # A reconnecting client receives what it missed, from any process.
        with _stream(other, **{"last-event-id": start}) as missed:
            assert _received(missed, 3) == ["ada", "bob", "cleo"]


def test_a_lost_database_connection_loses_no_message(database: dict[str, str], functions: Path) -> None:
    with (
        _instance(functions, **database) as one,
        _instance(functions, **database) as other,
        _stream(one) as lines,
    ):
        _last_id(lines)
        name = database["SOCKET_DATABASE_URL"].rpartition("/")[2]
        with psycopg.connect(os.environ["DATABASE_URL"], dbname=name, autocommit=True) as connection:
            terminated = connection.execute(_END_LISTENERS).fetchall()
        assert terminated
        _post(other, "ada")
        assert _received(lines, 1) == ["ada"]


def test_an_open_stream_does_not_poll(database: dict[str, str], functions: Path) -> None:
    with _instance(functions, **database) as one, _stream(one) as lines:
        _last_id(lines)
        _post(one, "ada")
        _received(lines, 1)
    source = (functions / "netlify/sockets/channel.cjs").read_text()
    assert "setInterval" not in source
    assert source.count("setTimeout") == 1  # the end of the stream


def test_on_netlify_a_channel_needs_a_database(functions: Path) -> None:
    with _instance(functions, AWS_LAMBDA_FUNCTION_NAME="server") as client:
        assert client.get(VOTES).status_code == 503
        assert client.post(f"{VOTES}/typing", json=["ada"]).status_code == 500
        # A message that is not broadcast needs none.
        assert client.post(f"{VOTES}/choices", json=[]).json()["acknowledged"] == [["tea", "coffee"]]
