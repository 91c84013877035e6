"""What a machine's forge uses while nobody uses it: run within the machine, prints one JSON object.

usage: python rest.py SECONDS
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

OWNERS = ("forge", "postgres")


def processes() -> Iterator[psutil.Process]:
    return (process for process in psutil.process_iter() if process.username() in OWNERS)


def switches() -> dict[str, int]:
    """Return by owner how often threads went to sleep, which is how often they were woken."""
    found = dict.fromkeys(OWNERS, 0)
    for process in processes():
        for file in Path(f"/proc/{process.pid}/task").glob("*/status"):
            text = file.read_text().partition("\nvoluntary_ctxt_switches:")[2]
            found[process.username()] += int(text.split()[0])
    return found


def memory() -> dict[str, float]:
    """Return megabytes by owner, in which what processes share counts once."""
    found = dict.fromkeys(OWNERS, 0.0)
    for process in processes():
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        found[process.username()] += (
            sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1e3
        )
    return found


def main(seconds: float) -> None:
    before = switches()
    time.sleep(seconds)
    woken = {owner: round((count - before[owner]) / seconds, 1) for owner, count in switches().items()}
    print(json.dumps({"wakeups": woken, "megabytes": memory()}))


if __name__ == "__main__":
    main(float(sys.argv[1]))
