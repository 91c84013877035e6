#!/usr/bin/env python
"""Run Django's command-line tools for AgentForge."""

import gc
import importlib
import os
import sys
from pathlib import Path

SETTINGS = "agentforge.settings"


def main() -> None:
    gc.disable()  # until the command begins
    _leave_the_shells_project()
    from environ import ImproperlyConfigured

    from agentforge import lifeline

    lifeline.hold()
    import psycopg
    from django.db import OperationalError as DatabaseUnavailable

    from agentforge.command_line import CommandLine

    try:
        # Before Django, which would answer some commands as if there were no settings.
        importlib.import_module(SETTINGS)
    except ImproperlyConfigured as reason:
        sys.exit(f"A setting can't be read: {reason}")
    try:
        CommandLine(sys.argv).execute()
    except (DatabaseUnavailable, psycopg.OperationalError) as reason:
        if "--traceback" in sys.argv:
            raise
        sys.exit(
            f"The database failed: {str(reason).strip()}\n"
            "Check DATABASE_URL, and that the server runs. --traceback says where it happened."
        )


def _leave_the_shells_project() -> None:
    """Import this project's packages and settings, whatever project the shell is set up for."""
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    here = str(Path(__file__).resolve().parent)
    foreign = os.environ.pop("PYTHONPATH", "").split(os.pathsep)
    kept = [entry for entry in sys.path if entry not in foreign or entry.startswith(sys.prefix)]
    sys.path[:] = [here, *(entry for entry in kept if entry != here)]


if __name__ == "__main__":
    main()
