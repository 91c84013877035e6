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


def switches() -> int:
    """Return how often threads went to sleep, which is how often they were woken."""
    files = [file for process in processes() for file in Path(f"/proc/{process.pid}/task").glob("*/status")]
    return sum(int(file.read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0]) for file in files)


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
    woken = (switches() - before) / seconds
    print(json.dumps({"wakeups": round(woken, 1), "megabytes": memory()}))


if __name__ == "__main__":
    main(float(sys.argv[1]))
