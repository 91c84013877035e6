"""End a process together with the launcher that started it, even one that was killed."""

from __future__ import annotations

import os
import signal
import sys
import threading

VARIABLE = "AGENTFORGE_LIFELINE"
GRACE = 15.0


def hold() -> None:
    """Stop this process when its launcher is gone; do nothing when no launcher started it.

    The launcher alone holds the writing end of a pipe. The system closes that end however the launcher
    ends, so reading from the other end returns: on every POSIX system, and at once.
    """
    descriptor = os.environ.pop(VARIABLE, None)
    if descriptor is None:
        return
    # Until the program has a handler of its own: leave by Python's exit, which stops what is to be stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    os.set_inheritable(int(descriptor), False)
    threading.Thread(target=_follow, args=(int(descriptor),), name="lifeline", daemon=True).start()


def _follow(descriptor: int) -> None:
    os.read(descriptor, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    threading.main_thread().join(GRACE)
    os._exit(1)
