"""Fork programs from one process that has imported Django: `python -m agentforge.launch.fork_server`.

What was imported is then in memory once. This process has a single thread and no connection, and it ends
when its launcher does, as the guard of the private database server.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from io import FileIO, TextIOWrapper
from pathlib import Path
from typing import TypedDict

from agentforge import lifeline
from agentforge.launch import guard

READY = b"ready"
# The most bytes of a request: a program's arguments.
MOST_BYTES = 65_536
# mallopt's number of the size from which a block is given back to the system when it is freed (malloc.h).
_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 1024 * 1024
# The longest name that Linux shows of a process.
_NAME_LENGTH = 15

# Where the worker's and the web server's own imports begin.
_MODULES = (
    "agentforge.queue.management.commands.procrastinate",
    "agentforge.urls",
    "asyncio",
    "psycopg_pool",
)


class Setup(TypedDict):
    """The launcher's first message; with it come the output and the lifeline's end."""

    env: dict[str, str]
    var_dir: str


def serve(channel: socket.socket) -> int:
    """Load what programs have in common, fork one for each request, and clean up after the launcher.

    Returns in each of the programs too, with its exit code.
    """
    setup, descriptors, _, _ = socket.recv_fds(channel, MOST_BYTES, 2)
    if not setup:
        return 0
    var_dir = _settle(json.loads(setup), *descriptors)
    _load()
    with suppress(BrokenPipeError):
        channel.send(READY)
    while True:
        request, descriptors, _, _ = socket.recv_fds(channel, MOST_BYTES, 1)
        if not request:
            break
        if child := _fork():
            os.close(descriptors[0])
            channel.send(str(child).encode())
        else:
            channel.close()
            return _become(json.loads(request), descriptors[0])
    guard.end_programs(var_dir)
    return 0  # at exit, the last process that uses the database server stops it


def _settle(setup: Setup, output: int, lifeline_end: int) -> Path:
    """Take the launcher's environment for its programs and their common descriptors; return its directory."""
    os.environ.clear()
    os.environ.update(setup["env"], **{lifeline.VARIABLE: str(lifeline_end)})
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    _print_to(output)
    # New ones: what the launcher's were made for, such as a file, decides how they can be changed.
    sys.stdout, sys.stderr = _stream(1, "strict"), _stream(2, "backslashreplace")
    return Path(setup["var_dir"])


def _print_to(output: int) -> None:
    for number in (1, 2):
        os.dup2(output, number)
    os.close(output)


def _stream(number: int, errors: str) -> TextIOWrapper:
    """Return a stream that prints at once and in UTF-8, as an interpreter with PYTHONUNBUFFERED does."""
    raw = FileIO(number, "w", closefd=False)
    return TextIOWrapper(raw, "utf-8", errors, line_buffering=True, write_through=True)


def _load() -> None:
    """Import and check what each program would, and keep the garbage collector from writing to it."""
    gc.disable()
    give_large_blocks_back()
    os.environ["DJANGO_SETTINGS_MODULE"] = "agentforge.settings"
    from environ import ImproperlyConfigured

    try:
        importlib.import_module("agentforge.settings")
    except ImproperlyConfigured as reason:
        sys.exit(f"A setting can't be read: {reason}")
    import django
    from django.core.management import get_commands
    from django.core.management.base import BaseCommand, SystemCheckError

    django.setup()
    for module in _MODULES:
        importlib.import_module(module)
    get_commands()
    try:
        BaseCommand().check()
    except SystemCheckError as errors:
        sys.exit(str(errors))
    from django.db import connection

    # Not to connect, but for Django's map of types, which it makes once for all connections.
    connection.get_connection_params()
    # Without a collection, whose holes the forks would fill: each would copy the page around it.
    gc.freeze()


def give_large_blocks_back() -> None:
    """Let the C library return each large block to the system, here and in forks.

    By itself, each thread keeps blocks as large as those that were freed before, such as compiled programs.
    """
    with suppress(AttributeError):  # another C library than glibc
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def _fork() -> int:
    """Return the id of a new process, which becomes a child of the launcher, and 0 in that process."""
    reading, writing = os.pipe()
    if (between := os.fork()) == 0:
        if child := os.fork():
            os.write(writing, str(child).encode())
            # An orphan's parent is the launcher: see forks.adopt_orphans.
            os._exit(0)
        os.close(reading)
        os.close(writing)
        return 0
    os.close(writing)
    os.waitpid(between, 0)
    child = int(os.read(reading, _NAME_LENGTH))
    os.close(reading)
    return child


def _become(arguments: list[str], output: int) -> int:
    """Run a management command as a program of the launcher would run it, and return the exit code."""
    os.setsid()
    _print_to(output)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["manage.py", *arguments]
    from django.core.management import ManagementUtility

    from agentforge.telemetry.log_formats import process_name
    from agentforge.tenancy import embedded

    with suppress(OSError):
        Path("/proc/self/comm").write_text(f"forge {process_name(sys.argv)}"[:_NAME_LENGTH])
    embedded.hold_after_fork()
    lifeline.hold()
    gc.enable()
    command, *rest = arguments
    # The checks were made before the fork.
    words = ["manage.py", command, "--skip-checks", *rest]
    ManagementUtility(words).fetch_command(command).run_from_argv(words)
    return 0


if __name__ == "__main__":
    sys.exit(serve(socket.socket(fileno=os.dup(0))))
