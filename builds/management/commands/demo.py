from __future__ import annotations

import asyncio
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from builds.compiler.inputs import gather
from builds.errors import BuildError
from builds.execution import local
from builds.logs.build_log import BuildLog
from builds.logs.console import Console
from builds.operations.demo import Stopwatch, ask, local_model
from configs.documents.document import parse
from configs.documents.problems import DocumentError


class Command(BaseCommand):
    help = "Compile an agent from a file and ask it a question, without a browser, an account or a key."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--file", type=Path, default=settings.BASE_DIR / "examples" / "ada.yaml")
        parser.add_argument("--question", default="What is a compiler? Answer in one sentence.")

    def handle(self, *args: Any, **options: Any) -> None:
        watch = Stopwatch(self._write)
        try:
            with tempfile.TemporaryDirectory(prefix="agentforge-demo-") as out:
                self._run(watch, options["file"], options["question"], Path(out))
        except (DocumentError, BuildError, OSError) as error:
            raise CommandError(str(error)) from error
        self._write("")
        for title, seconds in watch.times:
            self._write(f"{seconds:8.2f} s  {title}")

    def _run(self, watch: Stopwatch, file: Path, question: str, out: Path) -> None:
        with watch.step(f"Read {file.name} and freeze it as a revision"):
            document = local.canonical(parse(file.read_text(encoding="utf-8")))
            revision = gather(document).revision_sha256
            self._write(f"    {len(document)} characters of canonical JSON, sha256 {revision[:16]}…")
        with watch.step("Compile it, and load the plugin in the host"):
            log = BuildLog(Console(self.stdout, self.style))
            written = asyncio.run(local.build(document, out, log))
            self._write(f"    {written.program.name}: {written.program.stat().st_size / 1e6:.1f} MB")
        with ExitStack() as stack:
            with watch.step("Start the local model"):
                self._write(f"    {stack.enter_context(local_model())}")
            with watch.step("Ask the agent"):
                self._write(f"    > {question}")
                done = asyncio.run(ask(written, question, lambda token: self._write(token, ending="")))
                self._write(f"\n    finished ({done['finish']}) in {done['ms'] / 1000:.1f} s")

    def _write(self, text: str, ending: str = "\n") -> None:
        self.stdout.write(text, ending=ending)
        self.stdout.flush()
