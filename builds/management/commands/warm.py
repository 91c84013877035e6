from __future__ import annotations

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from builds.compiler import warmup
from builds.errors import BuildError
from builds.execution import readiness
from builds.logs.build_log import BuildLog, Record


class Command(BaseCommand):
    help = "Warm this machine's cache of Go, so that its worker takes builds from its first second."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the progress; a warm cache stays as it is."""
        try:
            state = asyncio.run(readiness.warm(BuildLog(self._print)))
        except BuildError as error:
            raise CommandError(str(error)) from error
        if state.state != warmup.WARM:
            raise CommandError(f"Go's cache is not warm: {state.error or state.state}.")
        self.stdout.write("Go's cache is warm.")

    def _print(self, record: Record) -> None:
        if record["kind"] == "line":
            self.stdout.write(str(record["text"]))
