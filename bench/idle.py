"""Measure an idle forge: wakeups and transactions a second, memory without the model, connections.

The whole forge runs as `make run` starts it, with its private PostgreSQL server and nobody looking.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg

from .stage import ROOT

if TYPE_CHECKING:
    from tests.drivers.forge import Forge

# After the start, until the caches are warm and the first upkeep has run; then the time that counts, in which
# each regular job and PostgreSQL's checkpoint comes once.
SETTLE_SECONDS, SECONDS = 90.0, 300.0
MIB = 1024 * 1024
# By process and the id of its thread.
Switches = dict[psutil.Process, dict[int, int]]
_TRANSACTIONS = "SELECT sum(xact_commit + xact_rollback) FROM pg_stat_database"
_CONNECTIONS = """
SELECT application_name, count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY 1 ORDER BY 1
"""


def main() -> None:
    from tests.drivers.forge import Forge

    os.environ.setdefault("AGENTFORGE_GO_DIR", str(ROOT / "var" / "go"))
    settle = float(sys.argv[1]) if sys.argv[1:] else SETTLE_SECONDS
    with (
        tempfile.TemporaryDirectory(prefix="agentforge-bench-") as directory,
        Forge(Path(directory) / "var", LOCAL_MODEL="0") as forge,
    ):
        forge.wait_until_ready()
        time.sleep(settle)
        _measure(forge)


def _measure(forge: Forge) -> None:
    processes = _processes(forge)
    with _connect(forge) as session:
        # What making the tables left to write.
        session.execute("CHECKPOINT")
        began, before, transactions = time.monotonic(), _all_switches(processes), _transactions(session)
        time.sleep(SECONDS)
        after, asked = _all_switches(processes), _transactions(session) - transactions
        seconds = time.monotonic() - began
        connections = {str(name): float(count) for name, count in session.execute(_CONNECTIONS).fetchall()}
    woken = _woken(processes, before, after)
    _print("wakeups_per_s", {name: count / seconds for name, count in woken.items()}, 1)
    # Without the one that asked for their number.
    _print("transactions_per_s", {"all": (asked - 1) / seconds}, 2)
    _print("pss_mib", _memory(processes), 0)
    _print("connections", connections, 0)


def _processes(forge: Forge) -> list[tuple[str, psutil.Process]]:
    """Return the forge's processes with their names: of the Procfile's lines, launcher and postgres."""
    known = {int(entry["pid"]): str(entry["name"]) for entry in _known(forge)}
    server = psutil.Process(forge.program("postgres").pid)
    backends = [server, *server.children(recursive=True)]
    named = [("postgres", process) for process in backends]
    for process in set(forge.processes()) - set(backends):
        with suppress(psutil.NoSuchProcess):
            above = [process.pid, *(parent.pid for parent in process.parents())]
            named.append((next((known[pid] for pid in above if pid in known), "launcher"), process))
    return named


def _known(forge: Forge) -> list[dict[str, Any]]:
    known: list[dict[str, Any]] = json.loads((forge.var_dir / "run" / "processes.json").read_text())
    return known


def _memory(processes: Iterable[tuple[str, psutil.Process]]) -> dict[str, float]:
    memory: dict[str, float] = {}
    for name, process in processes:
        with suppress(psutil.NoSuchProcess):
            memory[name] = memory.get(name, 0.0) + process.memory_full_info().pss / MIB
    return memory


def _connect(forge: Forge) -> psycopg.Connection:
    return psycopg.connect(f"postgresql://postgres:@/postgres?host={forge.var_dir}/postgres", autocommit=True)


def _transactions(session: psycopg.Connection) -> int:
    row = session.execute(_TRANSACTIONS).fetchone()
    return int(row[0]) if row else 0


def _woken(
    processes: Iterable[tuple[str, psutil.Process]], before: Switches, after: Switches
) -> Counter[str]:
    """Return how often threads were woken that were there before and after, by the names of processes."""
    woken = Counter({name: 0 for name, _ in processes})
    for name, process in processes:
        for thread in before.get(process, {}).keys() & after.get(process, {}).keys():
            woken[name] += after[process][thread] - before[process][thread]
    return woken


def _all_switches(processes: Iterable[tuple[str, psutil.Process]]) -> Switches:
    switches: Switches = {}
    for _, process in processes:
        with suppress(psutil.NoSuchProcess):
            switches[process] = _switches(process)
    return switches


def _switches(process: psutil.Process) -> dict[int, int]:
    """Return how often each thread of a process went to sleep, which is how often it was woken."""
    switches = {}
    for thread in process.threads():
        # It ends before its file is opened, or before it is read.
        with suppress(FileNotFoundError, ProcessLookupError):
            status = Path(f"/proc/{process.pid}/task/{thread.id}/status").read_text()
            switches[thread.id] = int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return switches


def _print(figure: str, values: dict[str, float], digits: int) -> None:
    each = {name: round(value, digits) for name, value in sorted(values.items())}
    print(
        json.dumps({"figure": figure, "value": round(sum(values.values()), digits), "each": each}), flush=True
    )


if __name__ == "__main__":
    main()
