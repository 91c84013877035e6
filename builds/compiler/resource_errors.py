"""Tell a machine that has no more of something, disk or memory, from an agent that can't be compiled."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from builds.errors import BuildError, Exhausted

from .sandbox import Limits

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# As Go, gcc and the linker say it.
_NO_ROOM = ("no space left on device", "disk quota exceeded", "file too large", "file size limit exceeded")
_NO_MEMORY = ("out of memory", "cannot allocate memory")
_KILLED = "signal: killed"
# How a line begins when the compiler itself crashed. Go's collector does not check every piece of memory
# that it asks for: under a limit it now and then reads from address 0 instead of saying so.
_CRASHED = ("sigsegv:", "sigbus:", "fatal error:", "unexpected fault address", "signal: segmentation fault")
_NEXT = "Nothing was stored. Try again; if it stays so, tell your operator (manage.py doctor)."
NO_ROOM = f"The disk is full. {_NEXT}"


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn a full disk under the body into its message.

    Raises Exhausted.
    """
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
    """Return what a compiler lacked that failed with these lines; None when it judged the agent."""
    said = "\n".join(errors).lower()
    if any(words in said for words in _NO_ROOM):
        return Exhausted(NO_ROOM, exit_code=exit_code)
    if any(words in said for words in _NO_MEMORY):
        told = f"The compiler ran out of memory; it may use {limits.data} MiB. {_NEXT}"
        return Exhausted(told, exit_code=exit_code)
    if any(line.startswith(_CRASHED) for line in said.splitlines()):
        why = f"as compilers do when memory runs out; it may use {limits.data} MiB"
        return Exhausted(f"The compiler crashed, {why}. {_NEXT}", exit_code=exit_code)
    if exit_code < 0 or _KILLED in said:
        why = f"the machine's memory ran out, or it took more than {limits.cpu_seconds} s of processor time"
        return Exhausted(f"The compiler was killed by the system: {why}. {_NEXT}", exit_code=exit_code)
    return None
