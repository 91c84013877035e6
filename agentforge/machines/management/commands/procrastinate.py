from __future__ import annotations

import contextlib
from typing import Any

import psycopg
from django.core.management import CommandError
from django.db import connection
from procrastinate.contrib.django.management.commands import procrastinate

from agentforge.machines import start
from agentforge.tenancy.notifications import NotificationLost, verify_connection


class Command(procrastinate.Command):
    """procrastinate's command; a worker first compares what all machines share."""

    def handle(self, *args: Any, **options: Any) -> None:
        if options.get("command") == "worker":
            _refuse_losing_pooler()
            start.compare()
        super().handle(*args, **options)


def _refuse_losing_pooler() -> None:
    """Do so before anything is changed on a connection that the pooler lends to others, too."""
    # A database that is away is waited for later.
    with contextlib.suppress(psycopg.OperationalError):
        try:
            verify_connection(connection)
        except NotificationLost as reason:
            raise CommandError(str(reason)) from None
