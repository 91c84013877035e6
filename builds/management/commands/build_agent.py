from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from builds.compiler import targets
from builds.errors import BuildError
from builds.execution import local
from builds.logs.build_log import BuildLog
from builds.logs.console import Console
from builds.models import PLUGIN
from configs.documents.document import parse
from configs.documents.problems import DocumentError


class Command(BaseCommand):
    help = "Compile an agent from a YAML or JSON file, without a worker or an account."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the agent's configuration, - for standard input")
        parser.add_argument("--out", type=Path, required=True, help="the output directory")
        parser.add_argument(
            "--target",
            choices=tuple(targets.registry()),
            action="append",
            metavar="TARGET",
            help=f"what to build (repeatable, default {PLUGIN}): {', '.join(targets.registry())}",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(self.stdout, self.style, as_json=options["json"])
        try:
            document = local.canonical(parse(_text(options["file"])))
            _check_writable(options["out"])
            names = targets.in_order(options["target"] or [PLUGIN])
            written = asyncio.run(local.build_all(document, options["out"], BuildLog(console), names))
        except DocumentError as error:
            problems = [{"path": problem.path, "message": problem.message} for problem in error.problems]
            console.result(success=False, problems=problems)
            raise CommandError(f"{options['file']} is not a valid agent:\n{error}") from error
        except BuildError as error:
            console.result(success=False, error=str(error))
            raise CommandError(str(error)) from error
        for each in written:
            files = {file.name: file.sha256 for file in each.files}
            facts = {"target": each.target, "directory": each.directory, "program": each.program}
            console.result(success=True, **facts, files=files)
            console.info(f"\n{each.program} ({each.program.stat().st_size / 1e6:.1f} MB)")
            if each.host.exists():
                console.info(f"  chat with it: {each.host} {each.program}")


def _check_writable(directory: Path) -> None:
    """Raise CommandError now rather than when everything is compiled."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise CommandError(f"{directory} can't be written to: {error}") from error


def _text(file: Path) -> str:
    try:
        return (Path("/dev/stdin") if str(file) == "-" else file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} can't be read: {error}") from error
