"""Django's command line, which begins to collect garbage when the command does."""

from __future__ import annotations

import gc

from django.core.management import ManagementUtility
from django.core.management.base import BaseCommand


class CommandLine(ManagementUtility):
    """Runs the command of its arguments; to be made while the garbage collector is off.

    Imports leave next to nothing to collect, and looking for it takes an eighth of a start.
    """

    def fetch_command(self, subcommand: str) -> BaseCommand:
        """Return a command once all apps are loaded; what they are made of is looked at no more."""
        gc.freeze()
        gc.enable()
        return super().fetch_command(subcommand)
