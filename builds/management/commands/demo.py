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
from configs.documents import DocumentError, parse


class Command(BaseCommand):
    help = "From a file to a compiled agent's answer: no browser, no account, no key."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--file", type=Path, default=settings.BASE_DIR / "examples" / "ada.yaml")
        parser.add_argument("--question", default="What is a compiler? Answer in one sentence.")

    def handle(self, *args: Any, **options: Any) -> None:
        watch = Stopwatch(self._say)
        try:
            with tempfile.TemporaryDirectory(prefix="agentforge-demo-") as out:
                self._run(watch, options["file"], options["question"], Path(out))
        except (DocumentError, BuildError, OSError) as error:
            raise CommandError(str(error)) from error
        self._say("")
        for title, seconds in watch.times:
            self._say(f"{seconds:8.2f} s  {title}")

    def _run(self, watch: Stopwatch, file: Path, question: str, out: Path) -> None:
        with watch.step(f"Read {file.name} and freeze it as a revision"):
            document = local.canonical(parse(file.read_text(encoding="utf-8")))
            revision = gather(document).revision_sha256
            self._say(f"    {len(document)} characters of canonical JSON, sha256 {revision[:16]}…")
        with watch.step("Compile it, and load the plugin in the host"):
            log = BuildLog(Console(self.stdout, self.style))
            written = asyncio.run(local.build(document, out, log))
            self._say(f"    {written.program.name}: {written.program.stat().st_size / 1e6:.1f} MB")
        with ExitStack() as running:
            with watch.step("Start the local model"):
                self._say(f"    {running.enter_context(local_model())}")
            with watch.step("Ask the agent"):
                self._say(f"    > {question}")
                done = asyncio.run(ask(written, question, self._token))
                self._say(f"\n    finished ({done['finish']}) in {done['ms'] / 1000:.1f} s")

    def _token(self, text: str) -> None:
        self.stdout.write(text, ending="")
        self.stdout.flush()

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
