#!/usr/bin/env python
"""Run Django's command-line tools for AgentForge."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agentforge.settings")
    from agentforge.launch import lifeline

    lifeline.hold()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
