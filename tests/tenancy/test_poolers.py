"""The forge works through a pooler in session mode, and refuses one in transaction mode by name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.drivers.forge import ROOT, Forge
from tests.drivers.pooler import Pooler
from tests.drivers.web_process import WebProcess

from .supabase_project import column, manage

REFUSAL = "a connection pooler in transaction mode"


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The URL of a migrated database."""
    name = f"pooled_{os.getpid()}"
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = make_conninfo(server, dbname=name)
        done = manage(url, "migrate")
        assert done.returncode == 0, done.stderr
        yield url
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def transaction_pooler(database: str) -> Iterator[Pooler]:
    with Pooler(database, "transaction") as pooler:
        yield pooler


def notifications(web: WebProcess) -> str:
    answer = httpx.get(f"{web.url}/readyz", timeout=60)
    state = answer.json()["checks"]["notifications"]
    return f"{answer.status_code} {state['state']}: {state['says']}"


def test_a_session_pooler_serves(database: str) -> None:
    with Pooler(database, "session") as pooler:
        done = manage(pooler.url, "migrate")
        assert done.returncode == 0, done.stderr
        with WebProcess(DATABASE_URL=pooler.url) as web:
            assert "ok: They arrive" in notifications(web)


@pytest.mark.parametrize(
    "command",
    [["migrate"], ["serve", "--port", "0"], ["procrastinate", "worker", "--name", "replies"]],
    ids=lambda command: command[0],
)
def test_a_transaction_pooler_is_refused_by_name(transaction_pooler: Pooler, command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": transaction_pooler.url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert REFUSAL in done.stderr
    assert "port 5432 instead of 6543" in done.stderr
    assert "Traceback" not in done.stderr
    # Other programs get the pooler's connections as they were.
    assert column(transaction_pooler.url, "SHOW search_path") == ['"$user", public']


def test_make_run_refuses_it_before_anything_starts(transaction_pooler: Pooler, tmp_path: Path) -> None:
    with Forge(tmp_path / "var", DATABASE_URL=transaction_pooler.url, LOCAL_MODEL="0") as forge:
        assert forge.process.wait(timeout=60) == 1
    assert REFUSAL in forge.text
    assert "Traceback" not in forge.text
    assert "web" not in forge.text.partition(REFUSAL)[0]


def test_ready_says_it_when_the_pooler_comes_after_the_start(database: str) -> None:
    pooler = Pooler(database, "transaction")
    with WebProcess(DATABASE_URL=pooler.url) as web, pooler:
        said = notifications(web)
    assert said.startswith("503 failed: ")
    assert REFUSAL in said


def test_make_run_says_that_the_database_does_not_answer(database: str, tmp_path: Path) -> None:
    nowhere = make_conninfo(database, host="127.0.0.1", port="1", password="s3cret")
    with Forge(tmp_path / "var", DATABASE_URL=nowhere, LOCAL_MODEL="0") as forge:
        assert forge.process.wait(timeout=60) == 1
    assert "The database does not answer. Check DATABASE_URL." in forge.text
    assert "Traceback" not in forge.text
    assert "s3cret" not in forge.text
