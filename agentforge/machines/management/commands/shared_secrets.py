from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from agentforge.machines import sharing
from agentforge.machines.existing_data import SecretMissing
from agentforge.shared_secrets import TABLE


class Command(BaseCommand):
    help = (
        "Show what all machines of this forge must share, by fingerprints, and whether this machine has it. "
        "Exits with 1 if something differs."
    )
    # They would say the same.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--accept", action="store_true", help="from now on, what this machine has is right"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["accept"]:
                sharing.accept()
        except SecretMissing as reason:
            raise CommandError(str(reason)) from None
        for secret in TABLE:
            own = ", ".join(sharing.fingerprints_of(secret)) or "none yet"
            self.stdout.write(f"{secret.variable}, or var/secrets/{secret.file}: {secret.purpose}: {own}")
        with connection.cursor() as cursor:
            found = sharing.differences(cursor)
        for difference in found:
            self.stderr.write(str(difference))
        if found:
            raise CommandError(f"{len(found)} differ.")
        self.stdout.write("Nothing differs from the other machines.")
