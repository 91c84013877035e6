"""End a process together with its launcher, even if the launcher was killed."""

from __future__ import annotations

import os
import signal
import sys
import threading

VARIABLE = "AGENTFORGE_LIFELINE"
GRACE = 15.0


def hold() -> None:
    """Stop this process when its launcher is gone; do nothing if no launcher started it.

    Only the launcher holds the write end of a pipe. The system closes it however the launcher ends, so that
    reading from the other end returns at once, on every POSIX system.
    """
    descriptor = os.environ.pop(VARIABLE, None)
    if descriptor is None:
        return
    # Until the program installs its own handler: exit through Python, so that cleanup runs.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    os.set_inheritable(int(descriptor), False)
    threading.Thread(target=_follow, args=(int(descriptor),), name="lifeline", daemon=True).start()


def _follow(descriptor: int) -> None:
    os.read(descriptor, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    threading.main_thread().join(GRACE)
    os._exit(1)
