"""End a process together with its launcher, even if the launcher was killed."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from functools import partial

VARIABLE = "AGENTFORGE_LIFELINE"
GRACE = 15.0
_STOPPED = 128 + signal.SIGTERM


def hold() -> None:
    """Stop this process when its launcher is gone; do nothing if no launcher started it.

    Only the launcher holds the write end of a pipe. The system closes it however the launcher ends, so that
    reading from the other end returns at once, on every POSIX system.
    """
    descriptor = os.environ.pop(VARIABLE, None)
    if descriptor is None:
        return
    # Until the program installs its own handler: exit through Python, so that cleanup runs.
    stopping, stopped = os.pipe()
    signal.signal(signal.SIGTERM, partial(_exit, stopped))
    os.set_inheritable(int(descriptor), False)
    follow = threading.Thread(target=_follow, args=(int(descriptor), stopping), name="lifeline", daemon=True)
    follow.start()


def _exit(stopped: int, *_: object) -> None:
    # Not a timer of its own: what a signal interrupts can be the start of a thread, with its lock held.
    os.write(stopped, b".")
    # During cleanup it ends already: an exception would break off whichever function is cleaning up.
    if threading.main_thread().is_alive():
        sys.exit(_STOPPED)


def _follow(launcher: int, stopping: int) -> None:
    """End the process when cleanup takes too long.

    It can take forever: a thread pool, for instance, whose thread was just being started when the signal
    arrived, doesn't know that thread and never tells it to end.
    """
    ready, _, _ = select.select([launcher, stopping], [], [])
    if stopping not in ready:
        os.kill(os.getpid(), signal.SIGTERM)
        ready, _, _ = select.select([stopping], [], [], GRACE)
        if not ready:  # the program stops by its own handler, and hasn't ended
            os._exit(1)
    time.sleep(GRACE)
    os._exit(_STOPPED)
