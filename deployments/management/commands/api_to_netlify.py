from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deployments.routes.converter import convert
from deployments.routes.model import Options
from deployments.routes.output import write
from deployments.routes.problems import ConversionError
from deployments.routes.reporting import lines_of


class Command(BaseCommand):
    help = "Convert the API routes of a Next.js project into Netlify functions."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="a Next.js project, a directory of it, or one route")
        parser.add_argument("--out", type=Path, metavar="DIR", help="where the functions go")
        parser.add_argument("--typescript", action="store_true", help="keep the types")
        parser.add_argument("--v2", action="store_true", help="web-standard functions, which stream")
        parser.add_argument(
            "--cors", action="append", default=[], metavar="ORIGIN", help="may ask; repeatable"
        )
        parser.add_argument("--supabase", action="append", default=[], metavar="URLS", nargs="?", const="*")
        parser.add_argument("--dry-run", action="store_true", help="write nothing")
        parser.add_argument("--json", action="store_true", help="the report as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["out"] and not options["dry_run"]:
            raise CommandError(
                "Name the directory for the functions: --out DIR, or look first with --dry-run."
            )
        chosen = Options(
            options["typescript"], options["v2"], tuple(options["cors"]), tuple(options["supabase"])
        )
        try:
            conversion = convert(options["path"], chosen)
            written = [] if options["dry_run"] else write(conversion.files, options["out"])
        except ConversionError as error:
            if options["json"]:
                self.stdout.write(json.dumps({"success": False, "error": str(error)}))
            raise CommandError(str(error)) from error
        if options["json"]:
            report = {**conversion.as_dict(), "written": [str(path) for path in written]}
            self.stdout.write(json.dumps(report, ensure_ascii=False))
        else:
            for line in lines_of(conversion):
                self.stdout.write(line)
            self.stdout.write(
                "Nothing was written." if options["dry_run"] else f"{len(written)} files written."
            )
        if not conversion.complete:
            raise CommandError("Not everything could be converted: see what is to be written by hand.")
