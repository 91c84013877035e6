from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agentforge.launch import model


class Command(BaseCommand):
    help = "Serve the local language model through OpenAI's protocol, on the loopback interface."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8011)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            model.serve(options["port"])
        except model.CannotServe as reason:
            raise CommandError(str(reason)) from None
