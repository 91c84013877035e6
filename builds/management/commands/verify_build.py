from __future__ import annotations

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from builds.errors import BuildError
from builds.logs.build_log import BuildLog
from builds.logs.console import Console
from builds.models import Build
from builds.verification.verifier import compare_build


class Command(BaseCommand):
    help = "Compile a build again in another directory with an empty cache, and compare every file."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("build", type=int, help="the build's number")
        parser.add_argument("--json", action="store_true", help="print one JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(self.stdout, self.style, as_json=options["json"])
        build: Build | None = Build.objects.select_related("revision").filter(pk=options["build"]).first()
        if build is None or not build.artifacts.exists():
            raise CommandError(f"There is no build {options['build']} with files to compare.")
        try:
            findings = asyncio.run(compare_build(build, BuildLog(console)))
        except BuildError as error:
            console.result(success=False, error=str(error))
            raise CommandError(str(error)) from error
        console.result(success=not findings, findings=findings)
        if findings:
            raise CommandError("\n".join(findings))
        console.info(f"Every file of build {build.pk} was reproduced, byte for byte.")
