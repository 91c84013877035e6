"""Run every measurement in a process of its own; print one JSON line per figure."""

from __future__ import annotations

import subprocess
import sys

from .stage import exit_on_sigterm

# All but `first_minute`, which installs everything anew, `future`, which takes ten minutes, and `recall`,
# which needs a directory of books.
MEASUREMENTS = (
    *("compile", "agent", "draft", "workers", "pages", "people", "idle", "scale"),
    *("ingest", "live", "storm", "routes", "deploy", "downloads"),
)


def main() -> int:
    chosen = sys.argv[1:] or MEASUREMENTS
    exit_on_sigterm()
    failures = [name for name in chosen if _run(name)]
    return 1 if failures else 0


def _run(name: str) -> int:
    with subprocess.Popen([sys.executable, "-m", f"bench.{name}"]) as measurement:
        try:
            return measurement.wait()
        except SystemExit:
            # Not killed: it has a database server to end.
            measurement.terminate()
            raise


if __name__ == "__main__":
    sys.exit(main())
