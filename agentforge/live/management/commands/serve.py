from __future__ import annotations

import atexit
import io
import logging
import os
import resource
import socket
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection

from agentforge.live.web_processes import WebProcesses
from agentforge.machines import start
from agentforge.short_fork import run_in_fork
from agentforge.telemetry.record_streams import RecordingCommand
from agentforge.tenancy.escalation import session_problem
from agentforge.tenancy.notifications import NotificationLost, verify_connection

logger = logging.getLogger(__name__)

# Open files that are not clients' connections: the database, static files, bodies of requests.
OTHER_FILES = 200
BACKLOG = 1024
MOST_PROCESSES = 64


class Command(RecordingCommand):
    help = "Serve pages and live streams until SIGTERM or SIGINT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on; 0 for any free one")
        parser.add_argument(
            "--fd", type=int, help="listen on an already open socket, which several processes can share"
        )
        parser.add_argument(
            "--processes",
            type=int,
            choices=range(1, MOST_PROCESSES + 1),
            metavar=f"1-{MOST_PROCESSES}",
            default=settings.WEB_PROCESSES,
            help="web processes on the port; one uses one processor (default: WEB_PROCESSES, or 1)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # It loads every migration, and nothing after it needs them.
        run_in_fork(self._prepare_database)
        if options["fd"] is not None:
            _serve_on(socket.socket(fileno=os.dup(options["fd"])))
        elif options["processes"] > 1:
            self._run_several(options["host"], options["port"], options["processes"])
        else:
            interface = options["host"].strip("[]").replace(":", r"\:")
            _serve(f"tcp:port={options['port']}:interface={interface}:backlog={BACKLOG}")

    def _run_several(self, host: str, port: int, count: int) -> None:
        try:
            processes = WebProcesses(host, port, count, _serve_on)
        except OSError as error:
            raise CommandError(f"{error}. Choose another port, or stop the program that uses it.") from None
        if code := processes.run():
            raise CommandError("The web processes could not be kept running.", returncode=code)

    def _prepare_database(self) -> None:
        """Refuse a pooler that loses notifications and a superuser; close what was opened meanwhile."""
        try:
            verify_connection(connection)
            call_command("secure_database", stdout=io.StringIO())
            with connection.cursor() as cursor:
                problem = session_problem(cursor)
        except NotificationLost as reason:
            raise CommandError(str(reason)) from None
        except (DatabaseError, psycopg.OperationalError) as error:
            # Requests wait for a database that is away; `check` and `doctor` report what stays open.
            logger.warning("The database could not be checked: %s", error)
        else:
            if problem:
                raise CommandError(problem)
            start.compare()


def _serve_on(bound: socket.socket) -> None:
    # Not listening before: a process that isn't ready would let its part of the connections wait.
    _serve(f"fd:fileno={bound.fileno()}", lambda: bound.listen(BACKLOG))


def _serve(endpoint: str, prepare: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT, and end this process; raises CommandError if it can't."""
    most_files = _allow_many_connections()
    # Imported here: they create Django's handler and an event loop, which no fork survives.
    from agentforge.asgi import application
    from agentforge.live.server import LiveServer

    prepare()
    server = LiveServer(
        most_connections=max(most_files - OTHER_FILES, most_files // 2),
        application=application,
        endpoints=[endpoint],
        server_name="",
    )
    server.run()
    if server.failure is not None:
        raise CommandError(f"{server.failure} Choose another port, or stop the program that uses it.")
    _exit()


def _exit() -> None:
    """End this process now, with all that it promised to do at its end.

    Python would wait for the threads of requests that were cut off, and they for the event loop that is gone.
    """
    atexit._run_exitfuncs()
    logging.shutdown()
    os._exit(0)


def _allow_many_connections() -> int:
    """Raise the limit on open files as far as allowed, and return it.

    It is often 1,024, and each viewer needs one.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Without a hard limit, systems still refuse to set the soft limit to infinity.
    limit = 100_000 if hard == resource.RLIM_INFINITY else hard
    most = max(soft, limit)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most
