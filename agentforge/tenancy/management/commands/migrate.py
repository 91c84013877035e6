from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connections, transaction

from agentforge.tenancy.exposure import secure


class Command(migrate.Command):
    """Django's migrate, which first and last closes what the roles of Supabase's API could reach."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        # Before the checks, which refuse an open database, and so would refuse what mends it.
        self._secure(**options)
        output = super().execute(*args, **options)
        self._secure(**options)
        return output

    def _secure(self, *, database: str, verbosity: int, **options: Any) -> None:
        if options["plan"] or options["check_unapplied"]:
            return
        connection = connections[database]
        with transaction.atomic(using=database):
            closed = secure(connection)
        if verbosity > 0:
            for exposure in closed:
                self.stdout.write(f"Closed {exposure}.")
