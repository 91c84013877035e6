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
PROCESSES = {
    "agentforge web",
    *(f"agentforge {name}" for name in ("worker", "deployments", "replies", "checks")),
}


def test_a_started_product_holds_few_connections_each_with_its_process_name(var_dir: Path) -> None:
    with Forge(var_dir, LOCAL_MODEL="0") as forge:
        forge.wait_until_ready()
        host = (var_dir / "postgres" / "postmaster.pid").read_text().splitlines()[4]
        with connected(f"postgresql://postgres@/postgres?host={host}") as connection:
            deadline = time.monotonic() + 90
            names: list[str] = []
            # The start's own work takes a few more for some seconds.
            while not (set(names) >= PROCESSES and len(names) <= MOST_AT_REST):
                assert time.monotonic() < deadline, names
                connection.execute("SELECT pg_sleep(0.5)")
                httpx.get(f"{forge.url}/healthz")
                names = [name for (name,) in connection.execute(AT_REST).fetchall()]
    assert all(name.startswith("agentforge ") for name in names)
