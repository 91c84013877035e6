from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from agentforge.backup import age, restoration
from agentforge.backup.archive import opened
from agentforge.backup.creation import work_directory
from agentforge.backup.errors import BackupError
from agentforge.backup.progress import Progress
from agentforge.explained_command import ExplainedCommand

from .backup import passphrase_in

_HELP = """Check a backup, and with --yes restore it.

    manage.py restore /backups/2026-11-28 --passphrase-file /etc/agentforge/passphrase         # check only
    manage.py restore /backups/2026-11-28 --passphrase-file /etc/agentforge/passphrase --yes
    ssh store 'cat forge.tar' | manage.py restore - --identity key.txt --yes

Stop the forge first. On a new machine, run it before the first start: with DATABASE_URL as the backup's forge
had it, or without for a private server. Everything is checked before anything is changed: the hash of each
file, the rows in the dump of the database, the secrets. The database is restored in one transaction.

Without --yes it only checks, beside a forge that runs too, and ends with 0 if the backup is whole.
"""


class Command(ExplainedCommand):
    help = _HELP
    # There is nothing yet that they could check.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="a backup's directory or tar file, or - for the standard input")
        unlock = parser.add_mutually_exclusive_group()
        unlock.add_argument("--passphrase-file", metavar="FILE", help="its first line opens the secrets")
        unlock.add_argument("--identity", metavar="FILE", help="this file's secret key opens them")
        unlock.add_argument(
            "--without-secrets", action="store_true", help="leave them: you set them yourself"
        )
        parser.add_argument(
            "--replace", action="store_true", help="restore over a forge, which is kept under another name"
        )
        parser.add_argument(
            "--yes", action="store_true", help="restore; without it, the backup is only checked"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        progress = Progress(
            lambda text, end: self.stdout.write(text, ending=end), is_terminal=self.stdout.isatty()
        )
        try:
            with opened(options["source"], sys.stdin.buffer, work_directory()) as directory:
                self._restore(directory, options, progress)
        except (BackupError, OSError) as reason:
            raise CommandError(str(reason)) from None

    def _restore(self, directory: Path, options: dict[str, Any], progress: Progress) -> None:
        unlock = _unlock(options, has_secrets=(directory / "secrets.age").is_file())
        plan = restoration.examine(
            directory,
            unlock,
            progress,
            replace=options["replace"],
            without_secrets=options["without_secrets"],
        )
        made = plan.manifest
        progress.line(f"A backup of {made.host}, made at {made.made_at}: it is whole.")
        if not options["yes"] and plan.obstacle:
            progress.line(f"It can't be restored here as it is. {plan.obstacle}")
            return
        if not options["yes"]:
            over = f" The tables that are here will be kept as schema {plan.aside}." if plan.aside else ""
            progress.line(f"Nothing was changed: run it with --yes.{over}")
            return
        for line in restoration.restore(plan, progress):
            progress.line(f"Kept {line}.")
        progress.line("Restored. Start the forge, and run `manage.py doctor`.")


def _unlock(options: dict[str, Any], *, has_secrets: bool) -> age.Unlock | None:
    if options["without_secrets"] or not has_secrets:
        return None
    if options["identity"]:
        try:
            return age.Identity.read(Path(options["identity"]).read_text())
        except ValueError as error:
            raise BackupError(f"{options['identity']} holds no secret key: {error}.") from None
    if options["passphrase_file"]:
        return passphrase_in(Path(options["passphrase_file"]))
    if options["source"] != "-" and sys.stdin.isatty():
        return age.Passphrase(getpass.getpass("Passphrase of the secrets: "))
    return None
