from __future__ import annotations

from typing import Any

import psycopg
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections, transaction

from agentforge.tenancy.exposure import secure
from agentforge.tenancy.installation import SchemaUnusable, enter_new_schema
from agentforge.tenancy.notifications import NotificationLost, verify_connection
from agentforge.tenancy.rights import RightsMissing, refuse_missing_rights
from agentforge.tenancy.search_path import has_forge


class Command(migrate.Command):
    """Django's migrate, in the forge's schema, which it makes for a new installation.

    First and last it closes what the roles of Supabase's API could reach.
    """

    def execute(self, *args: Any, **options: Any) -> str | None:
        changes = not (options["plan"] or options["check_unapplied"])
        try:
            # First: such a pooler would lend this connection, with its changed settings, to other programs.
            verify_connection(connections[options["database"]])
            if changes:
                self._refuse_missing_rights(options["database"])
            enter_new_schema(connections[options["database"]], create=changes)
        except (RightsMissing, SchemaUnusable, NotificationLost) as reason:
            raise CommandError(str(reason)) from None
        except psycopg.OperationalError as error:
            raise CommandError(f"The database does not answer. Check DATABASE_URL. {error}") from None
        # Before the checks, which refuse an open database, and so would refuse what mends it.
        if changes:
            self._secure(**options)
        output = super().execute(*args, **options)
        if changes:
            self._secure(**options)
        return output

    def _refuse_missing_rights(self, database: str) -> None:
        connection = connections[database]
        with connection.cursor() as cursor:
            is_installed = has_forge(cursor)
        refuse_missing_rights(connection, connection.settings_dict["SCHEMA"], is_installed=is_installed)

    def _secure(self, *, database: str, verbosity: int, **options: Any) -> None:
        connection = connections[database]
        with transaction.atomic(using=database):
            closed = secure(connection)
        if verbosity > 0:
            for exposure in closed:
                self.stdout.write(f"Closed {exposure}.")
