from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection, transaction

from agentforge.tenancy.exposure import forge_names
from agentforge.tenancy.handover import hand_over


class Command(BaseCommand):
    help = (
        "Hand the forge's tables over from a superuser to an ordinary role, which is made if it is missing. "
        "Run it while DATABASE_URL still names the superuser, and stop the forge first."
    )
    # They refuse the superuser.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", help="the ordinary role, for example agentforge")
        parser.add_argument(
            "--yes", action="store_true", help="do it; without it, only the statements are shown"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT current_schema()")
                schemas = [cursor.fetchone()[0]]
                statements = hand_over(cursor, options["role"], schemas, forge_names(connection))
                transaction.set_rollback(not options["yes"])
        except DatabaseError as error:
            raise CommandError(
                f"PostgreSQL refused: {error}\nNothing was changed. Run it as a superuser, with DATABASE_URL."
            ) from None
        for statement in statements:
            self.stdout.write(f"{statement};")
        if not statements:
            self.stdout.write(f"{options['role']} owns the forge's tables already.")
        elif options["yes"]:
            self.stdout.write(f"Set a password for {options['role']}, and put both into DATABASE_URL.")
        else:
            self.stdout.write("Nothing was changed: stop the forge, and run it with --yes.")
