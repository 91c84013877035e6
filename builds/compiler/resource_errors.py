"""Distinguish a machine without disk space or memory from an agent that can't be compiled."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from builds.errors import BuildError, Exhausted

from .sandbox import Limits

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# Messages of Go, gcc and the linker.
_NO_ROOM = ("no space left on device", "disk quota exceeded", "file too large", "file size limit exceeded")
_NO_MEMORY = ("out of memory", "cannot allocate memory")
_KILLED = "signal: killed"
# The start of a line when the compiler itself crashed. Go's garbage collector does not check every
# allocation: under a memory limit it sometimes reads from address 0 instead of reporting the failure.
_CRASHED = ("sigsegv:", "sigbus:", "fatal error:", "unexpected fault address", "signal: segmentation fault")
_NEXT = "Nothing was stored. Try again; if it persists, ask your operator (manage.py doctor)."
NO_ROOM = f"The disk is full. {_NEXT}"


@contextmanager
def disk_errors() -> Iterator[None]:
    """Raise Exhausted instead of an OSError of a full disk."""
    try:
        yield
    except (OSError, ExceptionGroup) as error:
        if not _is_full(error):
            raise
        raise Exhausted(NO_ROOM) from error


def _is_full(error: Exception) -> bool:
    if isinstance(error, ExceptionGroup):
        return any(_is_full(each) for each in error.exceptions)
    return isinstance(error, OSError) and error.errno in _FULL


def diagnose(errors: Sequence[str], exit_code: int, limits: Limits) -> BuildError | None:
    """Return the error of a compiler that ran out of a resource; None if the agent is at fault.

    `errors` are its lines on stderr.
    """
    output = "\n".join(errors).lower()
    if any(words in output for words in _NO_ROOM):
        return Exhausted(NO_ROOM, exit_code=exit_code)
    if any(words in output for words in _NO_MEMORY):
        message = f"The compiler ran out of memory; its limit is {limits.data} MiB. {_NEXT}"
        return Exhausted(message, exit_code=exit_code)
    if any(line.startswith(_CRASHED) for line in output.splitlines()):
        why = f"probably because memory ran out; its limit is {limits.data} MiB"
        return Exhausted(f"The compiler crashed, {why}. {_NEXT}", exit_code=exit_code)
    if exit_code < 0 or _KILLED in output:
        why = f"the machine's memory ran out, or it took more than {limits.cpu_seconds} s of processor time"
        return Exhausted(f"The compiler was killed by the system: {why}. {_NEXT}", exit_code=exit_code)
    return None
