from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import CommandError, CommandParser

from agentforge.explained_command import ExplainedCommand
from builds.logs.console import Console
from builds.logs.follower import follow
from builds.logs.remote_follower import Refused, follow_remote
from builds.models import Build, BuildStatus

EXIT_CODES: dict[str, int] = {
    BuildStatus.SUCCEEDED: 0,
    BuildStatus.FAILED: 1,
    BuildStatus.CANCELLED: 3,
}
_UNKNOWN, _INTERRUPTED = 2, 130


class Command(ExplainedCommand):
    help = """Print a build's log and follow it until the build finishes.

Every line is printed once and in order, even across a broken connection. Without --url, the log is read
from this forge's database; with it, from another forge, using the access token in AGENTFORGE_TOKEN:

  AGENTFORGE_TOKEN=... manage.py follow_build 42 --url https://forge.example.com

Exit code: 0 succeeded, 1 failed, 3 cancelled, 2 unknown, 130 interrupted (the build continues)."""
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("build", type=int, help="the build's number")
        parser.add_argument("--url", help="another forge, such as https://forge.example.com")
        parser.add_argument("--since", type=int, default=1, metavar="LINE", help="the first line to print")
        parser.add_argument("--json", action="store_true", help="print one JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(self.stdout, self.style, as_json=options["json"])
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            status = self._follow(console, options)
        except KeyboardInterrupt:
            console.info("Stopped following. The build continues.")
            sys.exit(_INTERRUPTED)
        sys.exit(EXIT_CODES.get(status, _UNKNOWN))

    def _follow(self, console: Console, options: dict[str, Any]) -> str:
        status, line = "", 0
        for record in self._records(options["build"], options["url"]):
            if record["kind"] == "status":
                status = record["status"]
            elif record["kind"] == "line":
                line += 1
                record["n"] = line
            if line >= options["since"] or record["kind"] == "status":
                console.show(record)
        console.result(build=options["build"], status=status, lines=line)
        return str(status)

    def _records(self, pk: int, url: str | None) -> Iterator[dict[str, Any]]:
        if url is None:
            yield from self._local(pk)
            return
        token = os.environ.get("AGENTFORGE_TOKEN", "")
        if not token:
            raise CommandError("Set AGENTFORGE_TOKEN to your access token.", returncode=_UNKNOWN)
        if urlsplit(url).scheme not in ("http", "https"):
            raise CommandError(f"{url} is not a URL that starts with https://.", returncode=_UNKNOWN)
        try:
            yield from follow_remote(url.rstrip("/"), token, f"build-{pk}", self.stderr.write)
        except Refused as refused:
            raise CommandError(str(refused), returncode=_UNKNOWN) from refused

    def _local(self, pk: int) -> Iterator[dict[str, Any]]:
        build = Build.objects.filter(pk=pk).first()
        if build is None:
            raise CommandError(f"There is no build {pk}.", returncode=_UNKNOWN)
        is_logged = False
        for _, record in follow([build.stream_name], lambda: False):
            is_logged = True
            yield record
        if not is_logged:
            # The log was pruned; the build's status is kept.
            build.refresh_from_db()
            yield {"kind": "status", "status": build.status}
