from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agentforge.administration import diagnostics, live_check
from agentforge.administration.diagnostics import CheckResult, Finding, State
from agentforge.administration.project import examination
from agentforge.administration.project.report import Verdict
from agentforge.administration.stream_reader import reader
from agentforge.launch import options as launch_options
from agentforge.launch.addresses import own_address
from agentforge.tenancy import patience
from agentforge.tenancy.patience import Patience


class Command(BaseCommand):
    help = "Check everything that the forge needs and suggest remedies. Exits with 1 on a failure."
    # It reports in its own words what system checks would.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", help="the web process to read a live stream from (default: from PORT)")
        parser.add_argument("--token", default="", help="an access token of the user whose stream to read")
        parser.add_argument("--json", action="store_true", help="print one JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        launch = launch_options.read()
        url = (options["url"] or f"http://127.0.0.1:{launch.port}").rstrip("/")
        diagnostics.register("live delivery")(lambda: _live(url, options["token"]))
        states = []
        # Checks that follow one which waited for the database in vain do not wait again.
        with patience.limited(Patience(patience.SECONDS)):
            for result in itertools.chain(diagnostics.run_checks(), _project()):
                states.append(result.finding.state)
                self._show(result, as_json=options["json"])
        failures = states.count(State.FAILED)
        if options["json"]:
            summary = {"success": not failures, "failed": failures, "warnings": states.count(State.WARNING)}
            self.stdout.write(json.dumps({"kind": "result", **summary}))
        if failures:
            raise CommandError(f"{failures} of {len(states)} checks failed.")

    def _show(self, result: CheckResult, *, as_json: bool) -> None:
        finding = result.finding
        if as_json:
            facts = {"state": finding.state, "says": finding.message, "remedy": finding.remedy}
            seconds = round(result.seconds, 3)
            line = {"kind": "examination", "name": result.name, **facts, "seconds": seconds}
            self.stdout.write(json.dumps(line))
            return
        style = {State.OK: self.style.SUCCESS, State.WARNING: self.style.WARNING}
        word = style.get(finding.state, self.style.ERROR)(f"{finding.state:<8}")
        self.stdout.write(f"{word} {result.name}: {finding.message}")
        if finding.remedy:
            self.stdout.write(f"         → {finding.remedy}")


_STATES = {Verdict.RIGHT: State.OK, Verdict.WRONG: State.FAILED, Verdict.UNSEEN: State.WARNING}


def _project() -> Iterator[CheckResult]:
    """Yield what `supabase check` says of the project that the settings name."""
    lines = examination.examine(own_address()) if settings.SUPABASE_URL else iter(())
    started = time.monotonic()
    for line in lines:
        finding = Finding(_STATES[line.verdict], line.message, line.remedy)
        yield CheckResult(f"supabase {line.topic}", finding, time.monotonic() - started)
        started = time.monotonic()


def _live(url: str, token: str) -> Finding:
    try:
        with reader(token) as credentials:
            user, access = credentials or (None, None)
            return live_check.check(url, user, access)
    except ValueError as error:
        return diagnostics.failed(f"The token was refused: {error}", "Pass a valid access token.")
