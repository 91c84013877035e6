from __future__ import annotations

import getpass
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psycopg
from django.core.management.base import CommandError, CommandParser

from agentforge.backup import age, creation
from agentforge.backup.archive import writer_for
from agentforge.backup.errors import BackupError
from agentforge.backup.progress import Progress
from agentforge.explained_command import ExplainedCommand

_HELP = """Save the database, the files of builds, the sites and the secrets, while the forge runs.

The target is a directory, new or empty, or - for a tar stream on the standard output:

    manage.py backup /backups/2026-11-28 --passphrase-file /etc/agentforge/passphrase
    manage.py backup - --recipient age1… | ssh store 'cat > forge.tar'

The secrets are encrypted apart from the rest, to a passphrase, or to a public key, whose secret key is only
needed for a restore: --new-identity FILE makes both. Without them, nobody can sign in or use an API key that
was saved. The rest is not encrypted: it holds people's addresses, agents and chats.

It ends with 0 when everything was saved, with 3 when files of builds were gone or damaged before, and
with 1 when there is no backup. `manage.py restore` checks one, and restores it with --yes.
"""


class Command(ExplainedCommand):
    help = _HELP
    # A forge with a wrong setting has to be saved too.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("target", nargs="?", help="a new or empty directory, or - for a tar stream")
        lock = parser.add_mutually_exclusive_group()
        lock.add_argument("--passphrase-file", metavar="FILE", help="encrypt the secrets to its first line")
        lock.add_argument("--recipient", metavar="age1…", help="encrypt them to this public key")
        lock.add_argument(
            "--without-secrets", action="store_true", help="leave them out: you keep them yourself"
        )
        lock.add_argument(
            "--new-identity", metavar="FILE", help="only make a secret key, and print its public key"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _interrupted)
        try:
            if options["new_identity"]:
                self.stdout.write(_new_identity(Path(options["new_identity"])))
                return
            self._save(options)
        except (BackupError, OSError) as reason:
            raise CommandError(str(reason)) from None
        except psycopg.OperationalError as error:
            raise CommandError(f"The database does not answer. Check DATABASE_URL. {error}") from None
        except KeyboardInterrupt:
            raise CommandError(
                "Interrupted: what was written is no backup, remove it.", returncode=130
            ) from None

    def _save(self, options: dict[str, Any]) -> None:
        target = options["target"]
        if not target:
            raise BackupError("Name a directory, or - for a tar stream (--help says more).")
        if target == "-" and sys.stdout.isatty():
            raise BackupError("The standard output is a terminal: redirect it into a file.")
        lock = _lock(options)
        progress = Progress(
            lambda text, end: self.stderr.write(text, lambda plain: plain, end),
            is_terminal=os.isatty(sys.stderr.fileno()),
        )
        with writer_for(target, sys.stdout.buffer) as writer:
            made = creation.create(writer, lock, progress)
        missing = [path for facts in made.parts.values() for path in facts.get("missing", ())]
        if missing:
            raise CommandError(
                f"The backup is complete but for {len(missing)} files that were gone or damaged before: "
                f"{', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}. Their builds say so.",
                returncode=3,
            )
        without = "" if lock else " Without the secrets: keep var/secrets and your variables yourself."
        progress.line(f"Saved.{without}")


def _lock(options: dict[str, Any]) -> age.Lock | None:
    if options["without_secrets"]:
        return None
    if options["recipient"]:
        try:
            return age.Recipient.read(options["recipient"])
        except ValueError as error:
            raise BackupError(f"--recipient is no public key age1…: {error}.") from None
    if options["passphrase_file"]:
        return passphrase_in(Path(options["passphrase_file"]))
    if not sys.stdin.isatty():
        raise BackupError(
            "Nothing was saved. Say to whom the secrets are encrypted: --passphrase-file FILE or --recipient "
            "age1…; or leave them out: --without-secrets."
        )
    text = getpass.getpass("Passphrase for the secrets: ")
    if not text or text != getpass.getpass("Once more: "):
        raise BackupError("They differ, or are empty. Nothing was saved.")
    return age.Passphrase(text)


def passphrase_in(path: Path) -> age.Passphrase:
    """Return the passphrase in the first line of a file. Raises BackupError for an empty one."""
    text = path.read_text().partition("\n")[0].strip()
    if not text:
        raise BackupError(f"{path} is empty. Nothing was done.")
    return age.Passphrase(text)


def _new_identity(path: Path) -> str:
    identity = age.Identity.generate()
    with open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(f"# public key: {identity.recipient}\n{identity.text()}\n")
    return f"{path} holds the secret key: keep it away from this machine. --recipient {identity.recipient}"


def _interrupted(number: int, frame: object) -> None:
    raise KeyboardInterrupt
