from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from converter.problems import ConversionError
from converter.routes.conversion import convert
from converter.routes.model import Options
from converter.routes.output import prepare, stale_functions, write
from converter.routes.report import report_lines
from converter.sockets.migration import STEPS, open_migration

_MIGRATE_OPTIONS = ("step", "yes")
_ROUTES_OPTIONS = ("typescript", "v2", "cors", "supabase")


class Command(BaseCommand):
    help = "Convert the API routes of a Next.js project, or a WebSocket server, into Netlify functions."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, nargs="?", help="a Next.js project, or a file or folder in it")
        parser.add_argument("--out", type=Path, metavar="DIR", help="directory for the generated files")
        parser.add_argument("--typescript", action="store_true", help="generate TypeScript")
        parser.add_argument("--v2", action="store_true", help="generate web-standard functions, which stream")
        parser.add_argument(
            "--cors", action="append", default=[], metavar="ORIGIN", help="allow this origin; repeatable"
        )
        parser.add_argument(
            "--supabase",
            action="append",
            default=[],
            metavar="URLS",
            nargs="?",
            const="*",
            help="require a user of the Supabase project, on all URLs or on these: '/api/private/*'",
        )
        parser.add_argument("--dry-run", action="store_true", help="report only; write nothing")
        parser.add_argument(
            "--migrate", type=Path, metavar="DIR", help="convert the WebSocket server in DIR, in five steps"
        )
        parser.add_argument("--step", choices=STEPS, help="run only this step of --migrate")
        parser.add_argument("--yes", action="store_true", help="let --migrate write files")
        parser.add_argument("--json", action="store_true", help="print the report as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if (options["path"] is None) == (options["migrate"] is None):
            raise CommandError("Pass either a path to convert or --migrate DIR.")
        migrate = options["migrate"] is not None
        foreign = _ROUTES_OPTIONS if migrate else _MIGRATE_OPTIONS
        if invalid := [f"--{name}" for name in foreign if options[name]]:
            raise CommandError(f"{', '.join(invalid)}: {'not' if migrate else 'only'} with --migrate.")
        try:
            complete = self._migrate(options) if migrate else self._convert(options)
        except (ConversionError, OSError) as error:
            reason = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
            if options["json"]:
                self.stdout.write(json.dumps({"success": False, "error": reason}))
            raise CommandError(reason) from error
        if not complete:
            raise CommandError('Not everything was converted; write the parts marked "by hand" yourself.')

    def _convert(self, options: dict[str, Any]) -> bool:
        if not options["out"] and not options["dry_run"]:
            raise CommandError("Pass --out DIR for the generated files, or --dry-run for a report only.")
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
        for line in report_lines(conversion):
            self.stdout.write(line)
        for path in stale:
            self.stdout.write(
                f"{path} is left over from an earlier conversion; delete it if its route is gone."
            )
        self.stdout.write("Nothing was written." if dry else f"{len(written)} files written.")
        return conversion.complete

    def _migrate(self, options: dict[str, Any]) -> bool:
        apply = options["yes"] and not options["dry_run"]
        migration = open_migration(options["migrate"], options["out"], apply=apply)
        reports = [migration.run(step) for step in STEPS if options["step"] in (None, step)]
        if options["json"]:
            steps = [report.as_dict() for report in reports]
            success = all(report.complete for report in reports)
            self.stdout.write(json.dumps({"success": success, "steps": steps}, ensure_ascii=False))
        else:
            for report in reports:
                self.stdout.write(f"== {report.step}")
                for line in report.report_lines():
                    self.stdout.write(line)
            self.stdout.write("" if migration.apply else "Nothing was written; add --yes to write files.")
        return all(report.complete for report in reports)
