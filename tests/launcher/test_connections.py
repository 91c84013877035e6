"""How many connections to the database the whole product holds when nobody uses it."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from tests.drivers.database import connected
from tests.drivers.forge import Forge

# Poolers give out 15 by default.
MOST_AT_REST = 12
AT_REST = """
SELECT application_name FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY 1
"""
WORKERS = "SELECT count(*) FROM procrastinate_workers"


def test_a_started_product_holds_few_connections_each_with_its_process_name(var_dir: Path) -> None:
    with Forge(var_dir, LOCAL_MODEL="0") as forge:
        forge.wait_until_ready()
        host = (var_dir / "postgres" / "postmaster.pid").read_text().splitlines()[4]
        with connected(f"postgresql://postgres@/postgres?host={host}") as connection:
            deadline = time.monotonic() + 60
            while connection.execute(WORKERS).fetchone() != (2,):
                assert time.monotonic() < deadline
                connection.execute("SELECT pg_sleep(0.1)")
            httpx.get(f"{forge.url}/readyz")
            names = [name for (name,) in connection.execute(AT_REST).fetchall()]
    assert len(names) <= MOST_AT_REST, names
    assert {"agentforge web", "agentforge worker", "agentforge replies"} <= set(names)
    assert all(name.startswith("agentforge ") for name in names)
