"""What is said wakes every process that listens, through PostgreSQL: nobody asks again and again."""

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

# Longer than any test: whatever is heard was told, and not found at the end of a stream.
LONG = {"SOCKET_STREAM_SECONDS": "3600"}
VOTES = "/sockets/server"


@pytest.fixture
def database() -> Iterator[dict[str, str]]:
    """Make a database, and yield what the functions have to know of it."""
    name = f"sockets_{uuid4().hex}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        told = connection.info
        place = {"PGHOST": told.host, "PGPORT": str(told.port), "PGUSER": told.user}
        yield {"SOCKET_DATABASE_URL": f"postgres:///{name}", "PGPASSWORD": told.password} | place
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


def _say(client: httpx.Client, *names: str) -> None:
    for name in names:
        assert client.post(f"{VOTES}/typing", json=[name]).status_code == 200


def _heard(lines: Iterator[str], count: int) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        line = next(lines)
        if line.startswith("data: "):
            found += json.loads(line[6:])
    return found


def _opened(lines: Iterator[str]) -> str:
    """Return the number of the last message before the stream began."""
    last = ""
    while (line := next(lines)) != ": hello":
        last = line.removeprefix("id: ") if line.startswith("id: ") else last
    return last


def test_another_process_hears_it_at_once(database: dict[str, str], functions: Path) -> None:
    with (
        _instance(functions, **database) as one,
        _instance(functions, **database) as other,
        one.stream("GET", VOTES) as stream,
    ):
        lines = stream.iter_lines()
        begun = _opened(lines)
        _say(other, "ada")
        assert _heard(lines, 1) == ["ada"]
        _say(other, "bob", "cleo")
        assert _heard(lines, 2) == ["bob", "cleo"]
        # Whoever was away hears what was said meanwhile, from any process.
        with other.stream("GET", VOTES, headers={"last-event-id": begun}) as again:
            assert _heard(again.iter_lines(), 3) == ["ada", "bob", "cleo"]


def test_a_broken_connection_loses_nothing(database: dict[str, str], functions: Path) -> None:
    with (
        _instance(functions, **database) as one,
        _instance(functions, **database) as other,
        one.stream("GET", VOTES) as stream,
    ):
        lines = stream.iter_lines()
        _opened(lines)
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            listening = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ILIKE 'listen%'"
            ended = connection.execute(listening).fetchall()
        assert ended
        _say(other, "ada")
        assert _heard(lines, 1) == ["ada"]


def test_waiting_asks_nothing(database: dict[str, str], functions: Path) -> None:
    with _instance(functions, **database) as one, one.stream("GET", VOTES) as stream:
        lines = stream.iter_lines()
        _opened(lines)
        _say(one, "ada")
        _heard(lines, 1)
    source = (functions / "netlify/sockets/channel.cjs").read_text()
    assert "setInterval" not in source
    assert source.count("setTimeout") == 1  # the end of the stream


def test_on_netlify_a_channel_without_a_database_says_so(functions: Path) -> None:
    with _instance(functions, AWS_LAMBDA_FUNCTION_NAME="server") as client:
        assert client.get(VOTES).status_code == 503
        assert client.post(f"{VOTES}/typing", json=["ada"]).status_code == 500
        # What tells nobody else needs none.
        assert client.post(f"{VOTES}/choices", json=[]).json()["acknowledged"] == [["tea", "coffee"]]
