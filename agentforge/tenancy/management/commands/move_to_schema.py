from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from agentforge.tenancy.installation import SchemaUnusable
from agentforge.tenancy.relocation import CannotMove, move, pending_statements


class Command(BaseCommand):
    help = (
        "Move an installation that lies in the schema public into one of its own (DATABASE_SCHEMA), which "
        "Supabase's API doesn't serve. Stop the forge first."
    )
    # They would report what the move mends.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--yes", action="store_true", help="move; without it, only the statements are shown"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        schema = connection.settings_dict["SCHEMA"]
        try:
            statements = pending_statements(connection)
            if not statements:
                self.stdout.write(f"The forge is in the schema {schema} already.")
                return
            if options["yes"]:
                move(connection)
        except (CannotMove, SchemaUnusable) as reason:
            raise CommandError(str(reason)) from None
        if options["yes"]:
            self.stdout.write(
                f"Moved {len(statements)} tables, types and functions into the schema {schema}."
            )
            return
        for statement in statements:
            self.stdout.write(f"{statement};")
        self.stdout.write("Nothing was changed: stop the forge, and run it with --yes.")
