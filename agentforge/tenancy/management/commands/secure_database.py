from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, transaction

from agentforge.tenancy.exposure import exposures, secure


class Command(BaseCommand):
    help = (
        "Close what the roles of Supabase's API could reach: row level security on every table of the forge, "
        "and exactly the privileges that its migrations declare. `migrate` and `serve` do it too."
    )
    # It mends what the checks would stop at.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="print the statements, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            changes = list(exposures(connection)) if options["dry_run"] else secure(connection)
        for change in changes:
            self.stdout.write(str(change))
            for statement in change.statements:
                self.stdout.write(f"    {statement};")
        if not changes:
            self.stdout.write("Nothing is open.")
        elif options["dry_run"]:
            self.stdout.write("Nothing was changed: run it without --dry-run.")
