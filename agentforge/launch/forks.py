"""The launcher's side of the fork server: it asks for programs, which are its own children."""

from __future__ import annotations

import ctypes
import gc
import json
import locale
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

import psutil

from .fork_server import READY, serve

# The lines of the Procfile that can be forked begin so, and have nothing that needs more of a shell.
_MANAGE = ".venv/bin/python manage.py "
_SHELL = frozenset(";|&<>()`\n#")
_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE = 60.0


class Process(Protocol):
    """What the supervisor needs of a program's process, forked or started."""

    pid: int
    returncode: int | None
    stdout: IO[bytes] | None

    def wait(self) -> int: ...

    def send_signal(self, sig: int) -> None: ...


class Fork:
    """A forked child of this process."""

    def __init__(self, pid: int, stdout: IO[bytes] | None = None) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdout = stdout

    def wait(self) -> int:
        """Wait for its end, and return the exit code as subprocess does."""
        _, status = os.waitpid(self.pid, 0)
        self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def send_signal(self, sig: int) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, sig)


class ForkServer:
    """A process that forks management commands, once it is ready.

    The first one is a fork of the launcher, which must not have a thread, a lock or a connection yet: so the
    two share what both import. Each later one is started anew.
    """

    def __init__(self) -> None:
        self.is_ready = False
        self._env: dict[str, str] = {}
        self._channel, theirs = _pair()
        self._process: Process | None = (
            _fork_of_this(self._channel, theirs) if _is_as_programs_are() else None
        )

    def start(
        self, var_dir: Path, env: dict[str, str], lifeline_end: int, on_settled: Callable[[], None]
    ) -> Process:
        """Let it load; call back, from another thread, once it is ready or has ended."""
        if self._process is None or self._env:
            self._channel, theirs = _pair()
            self._process = _started_anew(theirs, env)
        self._env = env
        channel = self._channel
        reading, writing = os.pipe()
        setup = json.dumps({"env": env, "var_dir": str(var_dir)})
        with suppress(OSError):  # it has ended already
            socket.send_fds(channel, [setup.encode()], [writing, lifeline_end])
        os.close(writing)

        def settle() -> None:
            with suppress(OSError):
                self.is_ready = channel.recv(len(READY)) == READY
            on_settled()

        threading.Thread(target=settle, name="fork server", daemon=True).start()
        self._process.stdout = os.fdopen(reading, "rb")
        return self._process

    def fork(self, command: str) -> Fork | None:
        """Return a new process for a line of the Procfile, None if it has to be started otherwise."""
        arguments = self._arguments(command)
        if not self.is_ready or arguments is None:
            return None
        reading, writing = os.pipe()
        try:
            self._channel.settimeout(_PATIENCE)
            socket.send_fds(self._channel, [json.dumps(arguments).encode()], [writing])
            return Fork(int(self._channel.recv(32)), os.fdopen(reading, "rb"))
        except (OSError, ValueError):  # it has just ended
            os.close(reading)
            self._give_up()
            return None
        finally:
            os.close(writing)

    def _give_up(self) -> None:
        """End it; the programs that it forked stay."""
        self.is_ready = False
        # Before the socket: it takes that one's end for the launcher's, and would end the programs.
        if self._process:
            self._process.send_signal(signal.SIGKILL)
        self._channel.close()

    def _arguments(self, command: str) -> list[str] | None:
        """Return the words after `manage.py`, as a shell expands them."""
        if not command.startswith(_MANAGE) or _SHELL.intersection(command):
            return None
        words = f"printf '%s\\0' {command.removeprefix(_MANAGE)}"
        done = subprocess.run(["/bin/sh", "-c", words], env=self._env, capture_output=True, check=False)
        return done.stdout.decode().split("\0")[:-1] or None


def _pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _is_as_programs_are() -> bool:
    """Return whether this interpreter runs as those of programs, whatever the shell says of Python."""
    is_clean = sys.flags.ignore_environment or not any(name.startswith("PYTHON") for name in os.environ)
    encodings = {sys.getfilesystemencoding(), locale.getpreferredencoding(do_setlocale=False).lower()}
    return bool(is_clean) and encodings == {"utf-8"}


def _fork_of_this(ours: socket.socket, theirs: socket.socket) -> Fork:
    # A collection writes to all that it looks at, and so would copy what is shared.
    gc.freeze()
    pid = os.fork()
    if pid == 0:
        # Only the launcher may hold its end, which tells of its own.
        ours.close()
        os.setsid()
        sys.exit(serve(theirs))
    theirs.close()
    return Fork(pid)


def _started_anew(channel: socket.socket, env: dict[str, str]) -> Process:
    with channel:
        return subprocess.Popen(
            [sys.executable, "-m", "agentforge.launch.fork_server"],
            env=env,
            stdin=channel.fileno(),
            start_new_session=True,
        )


def adopt_orphans() -> bool:
    """Make this process the parent of its descendants' orphans; return False where no system call does."""
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def reap_orphans(known: Collection[int]) -> None:
    """Reap what a program left behind and has ended; `known` are those that somebody waits for."""
    for child in psutil.Process().children():
        with suppress(psutil.Error, OSError):
            # What this process starts for itself, and waits for, is of its own session.
            if child.pid in known or os.getsid(child.pid) == os.getsid(0):
                continue
            if child.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(child.pid, os.WNOHANG)


def end_group(pid: int) -> None:
    """Kill what is left of a process's group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
