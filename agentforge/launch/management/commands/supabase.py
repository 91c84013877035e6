from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection, transaction

from agentforge.administration.project import examination, preparation
from agentforge.administration.project.report import Line, Verdict
from agentforge.launch.addresses import own_address


class Command(BaseCommand):
    help = "Check that a Supabase project is as the forge needs it, or prepare one."
    # It reports in its own words what system checks would.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        check = commands.add_parser("check", help="ask the project; exits with 1 if something is wrong")
        check.add_argument("--url", help="the forge's own address (default: from the settings)")
        check.add_argument("--json", action="store_true", help="print one JSON object per line")
        init = commands.add_parser("init", help="print what the project's database and Storage still need")
        init.add_argument("--yes", action="store_true", help="run the SQL, and make the bucket")

    def handle(self, *args: Any, command: str, **options: Any) -> None:
        if command == "check":
            self._check(options["url"] or own_address(), as_json=options["json"])
        else:
            self._init(run=options["yes"])

    def _check(self, url: str, *, as_json: bool) -> None:
        verdicts: list[Verdict] = []
        for line in examination.examine(url.rstrip("/")):
            verdicts.append(line.verdict)
            self._show(line, as_json=as_json)
        wrong, unseen = verdicts.count(Verdict.WRONG), verdicts.count(Verdict.UNSEEN)
        if as_json:
            self.stdout.write(
                json.dumps({"kind": "result", "success": not wrong, "wrong": wrong, "unseen": unseen})
            )
        if wrong:
            raise CommandError(f"{wrong} of {len(verdicts)} are wrong.")
        if not as_json:
            self.stdout.write(f"Nothing is wrong. Look yourself at the {unseen} unseen.")

    def _show(self, line: Line, *, as_json: bool) -> None:
        if as_json:
            facts = {"topic": line.topic, "state": line.verdict, "says": line.message, "remedy": line.remedy}
            self.stdout.write(json.dumps({"kind": "line", **facts}))
            return
        styles = {Verdict.RIGHT: self.style.SUCCESS, Verdict.WRONG: self.style.ERROR}
        word = styles.get(line.verdict, self.style.WARNING)(f"{line.verdict:<6}")
        self.stdout.write(f"{word} {line.topic}: {line.message}")
        if line.remedy:
            self.stdout.write(f"       → {line.remedy}")

    def _init(self, *, run: bool) -> None:
        try:
            statements = preparation.statements(connection)
            for statement in statements:
                self.stdout.write(f"{statement};")
            if run:
                with transaction.atomic(), connection.cursor() as cursor:
                    for statement in statements:
                        cursor.execute(statement)
        except DatabaseError as error:
            raise CommandError(
                f"{error}".strip() + "\nRun the SQL in the project's SQL editor, and this command again."
            ) from None
        try:
            pending = self._run_steps(run=run)
        except preparation.CannotPrepare as reason:
            raise CommandError(str(reason)) from None
        if not statements and not pending:
            self.stdout.write("Nothing is missing. Next: manage.py migrate, then manage.py supabase check.")
        elif run:
            self.stdout.write("Done. Next: manage.py migrate, then manage.py supabase check.")
        else:
            self.stdout.write("Nothing was changed: run it with --yes, or run the SQL as the owner.")

    def _run_steps(self, *, run: bool) -> bool:
        """Print what is to prepare outside of the database, or do it; return whether there was any."""
        pending = [(step, what) for step in preparation.steps() if (what := step.pending())]
        for step, what in pending:
            self.stdout.write(f"-- {what}")
            if run:
                step.run()
        return bool(pending)
