"""Steps taken by a plan give the bytes of `go build`, which compiles where a plan can't be followed."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from builds.compiler import build_plan, compilation, inputs, runtime_packages, sources, warmup
from builds.compiler.build_plan import Plan, Program
from builds.compiler.go_command import go_build
from builds.compiler.workspace import temporary_workspace
from builds.logs.build_log import BuildLog, Record
from configs.models import AgentConfig
from configs.revisions import canonical_json, configuration

pytestmark = pytest.mark.django_db


@pytest.fixture
def gathered(agent: AgentConfig, own_plan: None) -> inputs.Inputs:
    """The inputs of an agent, whose plan is proven."""
    agent.tools = ["calculator", "clock"]
    found = inputs.gather(canonical_json(configuration(agent)))
    asyncio.run(warmup.ensure(found.toolchain, found.sources, BuildLog(_ignore)))
    asyncio.run(runtime_packages.keep(found))
    return found


def test_an_agent_with_tools_and_files_has_the_bytes_of_go_build(gathered: inputs.Inputs) -> None:
    document = json.dumps({**json.loads(gathered.document), "knowledge": {"files": []}})
    inputs_with_files = inputs.gather(document)
    plan = runtime_packages.plan_of(inputs_with_files)
    assert plan is not None
    with temporary_workspace() as planned, temporary_workspace() as plain:
        first = _laid_out(inputs_with_files, planned, with_shared=False)
        second = _laid_out(inputs_with_files, plain, with_shared=True)
        asyncio.run(build_plan.run(gathered.toolchain, plan, first, planned, _ignore_line))
        asyncio.run(_go_build(gathered, second, plain))
        assert first.output.read_bytes() == second.output.read_bytes()


@pytest.mark.parametrize("text", ["exit 1\n", "echo other > @OUTPUT@ && cd @WORK@/nowhere\n", "true\n"])
def test_go_build_compiles_when_the_steps_fail(
    gathered: inputs.Inputs, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(runtime_packages, "plan_of", lambda _: Plan(text))
    texts = _compile(gathered)
    assert any(line.startswith("The steps failed, so Go plans them anew") for line in texts), texts
    assert texts[-1].startswith("Loaded: ")


def test_the_linker_gets_the_answers_of_the_compiler(gathered: inputs.Inputs, tmp_path: Path) -> None:
    plan = runtime_packages.plan_of(gathered)
    assert plan is not None
    answers = re.findall(r"^(-\S+)\) exit (\d) ;;$", plan.text, re.MULTILINE)
    assert answers
    source = tmp_path / "trivial.c"
    source.write_text("int main() { return 0; }\n")
    for flag, code in answers:
        command = [*gathered.toolchain.cc.split(), "-o", str(tmp_path / "trivial"), flag, str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        is_known = done.returncode == 0 and not re.search("unrecognized|unknown", done.stderr)
        assert code == ("0" if is_known else "1"), flag


def test_a_plan_counts_only_while_its_packages_are_cached(gathered: inputs.Inputs, tmp_path: Path) -> None:
    package = tmp_path / "package"
    plan = Plan(f"cat >x\npackagefile context={package}\nEOF\n")
    assert not plan.is_whole()
    package.touch()
    assert plan.is_whole()


def test_steps_with_other_bytes_are_no_plan(
    gathered: inputs.Inputs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(build_plan, "FORMAT", secrets.token_hex())
    monkeypatch.setattr(Plan, "script", lambda self, program, work: f"echo other > {program.output}\n")
    asyncio.run(runtime_packages.keep(gathered))
    assert "Its bytes differ from those of go build." in caplog.text
    assert runtime_packages.plan_of(gathered) is None
    assert "Go plans the steps of this build: no plan of them is proven at the moment." in _compile(gathered)


def test_no_plan_compiles_a_file_that_go_leaves_out(
    gathered: inputs.Inputs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sources, name = gathered.sources, "tool_clock_windows.go"
    tools = {**sources.tools, "clock": [*sources.tools["clock"], name]}
    changed = replace(
        sources, files={**sources.files, name: b"package bundle\n\nvar OnWindows = true\n"}, tools=tools
    )
    monkeypatch.setattr(build_plan, "FORMAT", secrets.token_hex())
    gathered = replace(gathered, sources=changed)
    asyncio.run(runtime_packages.keep(gathered))
    assert "but Go compiles ./bundle.go" in caplog.text
    assert runtime_packages.plan_of(gathered) is None


def _compile(gathered: inputs.Inputs) -> list[str]:
    """Return what the log of a compilation says."""
    texts: list[str] = []
    with temporary_workspace() as work:
        log = BuildLog(lambda record: texts.append(str(record["text"])) if "text" in record else None)
        asyncio.run(compilation.compile_agent(gathered, work, log))
    return texts


def _laid_out(gathered: inputs.Inputs, home: Path, *, with_shared: bool) -> Program:
    tree = home / "src"
    tree.mkdir()
    sources.lay_out_agent(
        tree,
        gathered.sources,
        target="plugin",
        module=gathered.module,
        document=gathered.document,
        with_shared=with_shared,
    )
    (tree / sources.INDEX).write_bytes(b"An index.")
    return Program(gathered.module, tree, home / "agent")


async def _go_build(gathered: inputs.Inputs, program: Program, home: Path) -> None:
    mode = gathered.spec.build_mode
    await go_build(
        gathered.toolchain, "./plugin", program.output, mode, program.tree, home, BuildLog(_ignore)
    )


def _ignore(record: Record) -> None:
    """Nobody reads it."""


def _ignore_line(stream: str, text: str) -> None:
    """Nobody reads it."""
