"""Run every measurement in a process of its own; print one JSON line per figure."""

from __future__ import annotations

import subprocess
import sys

# All but `first_minute`, which installs everything anew, `future`, which takes ten minutes, and `recall`,
# which needs a directory of books.
MEASUREMENTS = (
    *("compile", "agent", "draft", "workers", "pages", "people", "idle", "scale"),
    *("ingest", "live", "storm", "routes", "deploy", "downloads"),
)


def main() -> int:
    chosen = sys.argv[1:] or MEASUREMENTS
    failures = [name for name in chosen if subprocess.call([sys.executable, "-m", f"bench.{name}"])]
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
