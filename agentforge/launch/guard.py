"""Clean up after a killed launcher: stop its programs, and finally the private PostgreSQL server.

The programs stop on their own (see lifeline), but while they are starting they can't always stop the server.
This process does nothing else, so it always can; where programs are forked, the fork server does it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from agentforge import lifeline
from agentforge.tenancy import embedded

from .instance import Record, end


def main(var_dir: Path, descriptor: int) -> int:
    # This process ends with the pipe, not by the signals sent to the launcher.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    embedded.start(var_dir / "postgres")
    os.read(descriptor, 1)
    end_programs(var_dir)
    return 0  # at exit, the last process that uses the server stops it


def end_programs(var_dir: Path) -> None:
    """Stop the recorded programs of this process's launcher, which has ended."""
    recorded = [process for entry in Record(var_dir).read() if (process := entry.find())]
    # Orphans of one launcher share a parent; processes that the next launcher started have another.
    orphans = [process for process in recorded if process.ppid() == os.getppid()]
    end([process for process in orphans if process.pid != os.getpid()], lifeline.GRACE)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(os.environ.pop(lifeline.VARIABLE))))
