from __future__ import annotations

import json
import signal
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agentforge.formats import counted
from configs.keys.rotation import Report, rotate


class Command(BaseCommand):
    help = "Re-encrypt stored API keys with the newest of AGENTFORGE_VAULT_KEYS (a dry run without --yes)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="change the rows")
        parser.add_argument("--batch", type=int, default=200, help="rows per transaction (default 200)")
        parser.add_argument("--json", action="store_true", help="report as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch"] < 1:
            raise CommandError("--batch must be at least 1.")
        stopping = Event()
        before = {
            number: signal.signal(number, lambda *_: stopping.set())
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            report = rotate(
                apply=options["yes"],
                batch_size=options["batch"],
                stop=stopping.is_set,
                progress=self._show if options["verbosity"] > 1 else lambda report: None,
            )
        except ValueError as error:
            raise CommandError(
                f"AGENTFORGE_VAULT_KEYS contains something that is not a Fernet key: {error}"
            ) from error
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        self._report(report, applied=options["yes"], as_json=options["json"])
        if stopping.is_set():
            raise CommandError(
                "Stopped before the end. Rotated keys stay rotated; run it again for the rest."
            )
        if report.unreadable:
            raise CommandError(
                f"{counted(report.unreadable, 'API key')} can't be read with AGENTFORGE_VAULT_KEYS. Add the "
                "key that encrypted them, behind the newest. If it is lost, their owners have to enter them "
                "again."
            )

    def _report(self, report: Report, *, applied: bool, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({**report.as_dict(), "applied": applied}))
            return
        verb = "rotated" if applied else "to rotate"
        self.stdout.write(
            f"{report.rotated} {verb}, {report.current} current, {report.unreadable} unreadable"
        )
        if not applied and report.rotated:
            self.stdout.write("Nothing was changed: add --yes to rotate.")

    def _show(self, report: Report) -> None:
        self.stderr.write(f"{report.rotated + report.current + report.unreadable} keys processed")
