from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from builds.artifacts.errors import StorageProblem
from builds.logs.console import Console
from builds.operations import pruning
from builds.operations.pruning import Amount


class Command(BaseCommand):
    help = "Remove expired files, orphans, old logs and chats, and finished jobs (a dry run without --yes)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="remove instead of only counting")
        parser.add_argument("--json", action="store_true", help="print one JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(self.stdout, self.style, as_json=options["json"])
        try:
            totals = pruning.prune(
                apply=options["yes"], on_progress=self._show_progress if not options["json"] else None
            )
        except StorageProblem as problem:
            raise CommandError(str(problem)) from problem
        for kind, amount in totals.items():
            console.info(f"{kind}: {_summary(amount)}")
        sums = Amount()
        for amount in totals.values():
            sums.add(amount.rows, amount.files, amount.bytes)
        heading = "Removed" if options["yes"] else "To remove (nothing was removed; add --yes)"
        console.info(f"{heading}: {_summary(sums)}.")
        kinds = {kind: asdict(amount) for kind, amount in totals.items()}
        console.result(success=True, applied=options["yes"], kinds=kinds, **asdict(sums))

    def _show_progress(self, kind: str, amount: Amount) -> None:
        """Overwrite one line on a terminal; a pipe gets only the totals."""
        if self.stdout.isatty():
            self.stdout.write(f"\r\033[K{kind}: {_summary(amount)}\r", ending="")
            self.stdout.flush()


def _summary(amount: Amount) -> str:
    size = f", {filesizeformat(amount.bytes)}" if amount.bytes else ""
    return f"{amount.rows} rows, {amount.files} files{size}"
