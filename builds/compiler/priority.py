"""Let compilers wait for people: pages, answers and live streams come first on a busy machine."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Sequence

# Nice of 19 at most. A web process then gets 28 times the share of a compiler that wants all of a core.
NICENESS = 15
# The least urgent of ordinary reads and writes (best effort); the class "idle" may starve.
_IO_CLASS, _IO_LEVEL = "2", "7"
# Linux shares processors between sessions before it looks at a process's own niceness (sched(7), autogroup).
# Of all users but root, the whole machine may say so once in a tenth of a second: the compiler does not wait.
_SHARE = (
    "for attempt in 1 2 3 4 5 6 7 8 9; do [ -w /proc/self/autogroup ] || break;"
    ' echo {nice} > /proc/self/autogroup && break; sleep 0.1; done > /dev/null 2>&1 & exec "$@"'
).replace("{nice}", str(NICENESS))


def behind_people(command: Sequence[str]) -> list[str]:
    """Return a command at a lower priority for processors and disks.

    It belongs inside the sandbox, whose bwrap --new-session begins the session that the kernel looks at.
    """
    return ["/bin/sh", "-c", _SHARE, "priority", *_prefix(), *command]


@functools.cache
def _prefix() -> tuple[str, ...]:
    nice, ionice = shutil.which("nice"), shutil.which("ionice")
    lower = (nice, "-n", str(NICENESS)) if nice else ()
    return (*lower, ionice, "-t", "-c", _IO_CLASS, "-n", _IO_LEVEL) if ionice else lower
