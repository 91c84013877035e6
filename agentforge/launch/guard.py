"""End what a killed launcher leaves: its programs, and last of all the private PostgreSQL server.

The programs end by themselves (see lifeline), but in the middle of their start they can't always stop the
server. This process does nothing else, so it is always ready for it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from agentforge.tenancy import embedded

from . import lifeline
from .instance import Record, end


def main(var_dir: Path, descriptor: int) -> int:
    # The launcher's other signals are not for this process; it ends at the end of the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    embedded.start(var_dir / "postgres")
    os.read(descriptor, 1)
    recorded = [found for known in Record(var_dir).read() if (found := known.find())]
    # Orphans of one launcher have one parent; what the next launcher started meanwhile has another.
    end([process for process in recorded if process.ppid() == os.getppid()], lifeline.GRACE)
    return 0  # on the way out the last holder stops the server


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(os.environ.pop(lifeline.VARIABLE))))
