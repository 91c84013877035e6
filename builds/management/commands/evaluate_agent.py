from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from agentforge.explained_command import ExplainedCommand
from builds.errors import BuildError
from builds.evaluation import cases, junit
from builds.evaluation.judge import Judge, judge_agent
from builds.evaluation.recorder import Recorder
from builds.evaluation.results import CaseResult
from builds.evaluation.runner import evaluate
from builds.evaluation.subject import Subject
from builds.evaluation.tape import Tape, UnreadableTape
from builds.execution import local
from builds.trial.agent_run import Program
from builds.trial.draft_program import draft_program
from configs.documents.document import parse
from configs.documents.problems import DocumentError
from configs.providers import PROVIDERS
from configs.revisions import canonical_json, configuration

_DESCRIPTION = """\
Ask an agent the cases of a file and check its answers, without a worker or an account.

  manage.py evaluate_agent examples/ada.yaml --cases cases.yaml --junit report.xml

The agent is an exported file; the key of its provider is read from the environment, under the name that the
compiled agent reads too (OPENAI_API_KEY), and so is that of the judge. A replay needs neither. The cases are
those of the page Evaluation, or promptfoo's tests.
Exit code: 0 if every case passed, 1 if not."""


class Command(ExplainedCommand):
    help = _DESCRIPTION
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the agent's configuration, YAML or JSON")
        parser.add_argument("--cases", type=Path, required=True, help="the cases, YAML or JSON")
        parser.add_argument("--only", action="append", metavar="NAME", help="ask this case; repeatable")
        tape = parser.add_mutually_exclusive_group()
        tape.add_argument("--record", type=Path, help="keep there what the providers answer")
        tape.add_argument("--replay", type=Path, help="answer from such a file: no request is made")
        parser.add_argument("--junit", type=Path, help="write the results there as JUnit XML")
        parser.add_argument("--json", action="store_true", help="print one JSON object per case")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            document = local.canonical(parse(_text(options["file"])))
            suite = cases.read(_text(options["cases"])).only(options["only"] or ())
        except DocumentError as error:
            raise CommandError(f"The agent or its cases are not valid:\n{error}") from error
        except BuildError as error:
            raise CommandError(str(error)) from error
        for note in suite.notes:
            self.stderr.write(note)
        try:
            recorder = Recorder(_tape(options["replay"]) if options["replay"] else None)
            results = asyncio.run(self._evaluate(document, suite, recorder))
        except BuildError as error:
            raise CommandError(str(error)) from error
        if options["record"]:
            self._keep(options["record"], recorder.tape.dumps(_secrets(document, suite)))
        for case in results:
            self._print(case, as_json=options["json"])
        if options["junit"]:
            handle = json.loads(document)["identity"]["handle"]
            options["junit"].write_bytes(junit.report(handle, results))
        if failed := sum(not case.holds for case in results):
            raise CommandError(f"{failed} of {len(results)} cases failed.", returncode=1)

    async def _evaluate(self, document: str, suite: cases.Suite, recorder: Recorder) -> Sequence[CaseResult]:
        program = Program(await draft_program(self.stderr.write), None, document)
        subject = Subject(program, *_environment(document), recorder)
        judge = await _judge(suite.judge, subject) if suite.judge else None
        return [so_far async for so_far in evaluate(subject, suite.cases, judge)][-1]

    def _keep(self, file: Path, recording: bytes) -> None:
        if recording:
            file.write_bytes(recording)
        else:
            self.stderr.write(
                "There is no recording: no provider answered, they said too much to keep, or spelled a key "
                "piece by piece."
            )

    def _print(self, case: CaseResult, *, as_json: bool) -> None:
        failures = list(dict.fromkeys(reason for trial in case.trials for reason in trial.failures))
        if as_json:
            facts = {
                "name": case.name,
                "passed": case.passed,
                "trials": len(case.trials),
                "failures": failures,
            }
            self.stdout.write(json.dumps(facts, ensure_ascii=False))
            return
        word = self.style.SUCCESS("passed") if case.holds else self.style.ERROR("failed")
        self.stdout.write(f"{word} {case.name} ({case.passed} of {len(case.trials)})")
        for failure in failures:
            self.stdout.write(f"    {failure}")


async def _judge(model: cases.JudgeModel, subject: Subject) -> Judge:
    provider = PROVIDERS[model.provider]
    address = os.environ.get(provider.base_url_env, "") if provider.asks_base_url else ""
    document = canonical_json(configuration(judge_agent(model), base_url=address))
    environment, keys = _environment(document)
    if provider.needs_key and not keys and not subject.recorder.replays:
        raise BuildError(f"The judge needs the key of {provider.label} in {provider.key_env}.")
    known = replace(subject, secrets=[*subject.secrets, *keys])
    return await Judge.of(document, environment, known)


def _environment(document: str) -> tuple[dict[str, str], list[str]]:
    """Return what the agent reads of the environment, and the secrets in it."""
    sections = json.loads(document)
    providers = [sections[name] for name in ("provider", "fallback") if name in sections]
    keys = [provider["key_env"] for provider in providers]
    names = {*keys, *(provider["base_url_env"] for provider in providers)}
    environment = {name: os.environ[name] for name in names if name and name in os.environ}
    return environment, [environment[name] for name in keys if name in environment]


def _secrets(document: str, suite: cases.Suite) -> list[str]:
    """Return the keys in the environment, of the agent and of its judge."""
    names = [PROVIDERS[suite.judge.provider].key_env] if suite.judge else []
    return [*_environment(document)[1], *(os.environ[name] for name in names if name in os.environ)]


def _tape(file: Path) -> Tape:
    try:
        return Tape.loads(file.read_bytes())
    except (OSError, UnreadableTape) as error:
        raise CommandError(f"{file} can't be read: {error}") from error


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} can't be read: {error}") from error
