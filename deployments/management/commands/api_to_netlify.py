from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from converter.problems import ConversionError
from converter.routes.conversion import convert
from converter.routes.model import Options
from converter.routes.output import prepare, stale_functions, write
from converter.routes.report import lines_of
from converter.sockets.migration import STEPS, open_migration
from converter.sockets.report import told

# Options of the other task, by whether a path is to be converted.
_ONLY = {True: ("step", "yes"), False: ("typescript", "v2", "cors", "supabase")}


class Command(BaseCommand):
    help = "Convert the API routes of a Next.js project into Netlify functions."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, nargs="?", help="a Next.js project, or a part of it")
        parser.add_argument("--out", type=Path, metavar="DIR", help="where the functions go")
        parser.add_argument("--typescript", action="store_true", help="keep the types")
        parser.add_argument("--v2", action="store_true", help="web-standard functions, which stream")
        parser.add_argument(
            "--cors", action="append", default=[], metavar="ORIGIN", help="may ask; repeatable"
        )
        parser.add_argument(
            "--supabase",
            action="append",
            default=[],
            metavar="URLS",
            nargs="?",
            const="*",
            help="answer only users of the Supabase project; of these addresses, as '/api/private/*'",
        )
        parser.add_argument("--dry-run", action="store_true", help="write nothing")
        parser.add_argument(
            "--migrate", type=Path, metavar="DIR", help="move a WebSocket server, in five steps"
        )
        parser.add_argument("--step", choices=STEPS, help="of --migrate, one alone")
        parser.add_argument("--yes", action="store_true", help="let --migrate write")
        parser.add_argument("--json", action="store_true", help="the report as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if (options["path"] is None) == (options["migrate"] is None):
            raise CommandError("Name a path to convert, or a directory to --migrate.")
        if stray := [f"--{name}" for name in _ONLY[bool(options["path"])] if options[name]]:
            raise CommandError(f"{', '.join(stray)}: {'only' if options['path'] else 'not'} with --migrate.")
        try:
            complete = self._convert(options) if options["path"] else self._migrate(options)
        except (ConversionError, OSError) as error:
            reason = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
            if options["json"]:
                self.stdout.write(json.dumps({"success": False, "error": reason}))
            raise CommandError(reason) from error
        if not complete:
            raise CommandError("Not everything could be converted: see what is to be written by hand.")

    def _convert(self, options: dict[str, Any]) -> bool:
        if not options["out"] and not options["dry_run"]:
            raise CommandError(
                "Name the directory for the functions: --out DIR, or look first with --dry-run."
            )
        cors, supabase = tuple(options["cors"]), tuple(options["supabase"])
        conversion = convert(options["path"], Options(options["typescript"], options["v2"], cors, supabase))
        out, dry = options["out"], options["dry_run"]
        if out and dry:
            prepare(conversion.files, out)
        written = [] if dry else write(conversion.files, out)
        stale = [str(path) for path in stale_functions(conversion.files, out)] if out else []
        if options["json"]:
            report = {**conversion.as_dict(), "written": [str(path) for path in written], "left_over": stale}
            self.stdout.write(json.dumps(report, ensure_ascii=False))
            return conversion.complete
        for line in lines_of(conversion):
            self.stdout.write(line)
        for path in stale:
            self.stdout.write(
                f"{path} is of an earlier conversion, and would be served: remove it, if it has ended."
            )
        self.stdout.write("Nothing was written." if dry else f"{len(written)} files written.")
        return conversion.complete

    def _migrate(self, options: dict[str, Any]) -> bool:
        migration = open_migration(
            options["migrate"], options["out"], apply=options["yes"] and not options["dry_run"]
        )
        reports = [migration.run(step) for step in STEPS if options["step"] in (None, step)]
        if options["json"]:
            steps = [report.as_dict() for report in reports]
            success = all(report.complete for report in reports)
            self.stdout.write(json.dumps({"success": success, "steps": steps}, ensure_ascii=False))
        else:
            for report in reports:
                self.stdout.write(f"== {report.step}")
                for line in told(report):
                    self.stdout.write(line)
            self.stdout.write("" if migration.apply else "Nothing was written: add --yes to write.")
        return all(report.complete for report in reports)
