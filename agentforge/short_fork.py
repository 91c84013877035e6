"""Do something in a fork, so that what it imports and allocates ends with it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

from django.core.management.base import CommandError


def run_in_fork(act: Callable[[], None]) -> None:
    """Run a function in a process of its own; raises CommandError, as the function does."""
    if sys.platform != "linux":
        # Elsewhere the system's libraries don't all survive a fork.
        act()
        return
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _run(act, writing)
        finally:
            # Even if it is interrupted: what comes next is the parent's to do.
            os._exit(code)
    os.close(writing)
    with open(reading, encoding="utf-8") as lines:
        message = lines.read()
    _, status = os.waitpid(child, 0)
    if message or status:
        raise CommandError(message or "A check of the start did not end well; see above.")


def _run(act: Callable[[], None], refusal: int) -> int:
    try:
        act()
    except CommandError as reason:
        os.write(refusal, str(reason).encode())
    except Exception:
        traceback.print_exc()
        return 1
    return 0
