from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from builds.models import Build, BuildTarget
from configs.models import AgentConfig
from tests.drivers.build_worker import WorkerProcess
from tests.standins.openai import OpenAIStandIn

ADA = settings.BASE_DIR / "examples" / "ada.yaml"


def _run(*arguments: object) -> str:
    out = StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_build_agent_writes_the_files_and_tells_scripts(tmp_path: Path, local_model: OpenAIStandIn) -> None:
    records = [
        json.loads(line) for line in _run("build_agent", ADA, "--out", tmp_path, "--json").splitlines()
    ]
    assert records[-1]["success"] is True
    assert set(records[-1]["files"]) == {path.name for path in tmp_path.iterdir()}
    assert {record["kind"] for record in records} == {"line", "section", "step", "result"}
    assert not Build.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("file", sorted(ADA.parent.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_example_compiles(file: Path, tmp_path: Path, local_model: OpenAIStandIn) -> None:
    record = json.loads(_run("build_agent", file, "--out", tmp_path, "--json").splitlines()[-1])
    assert record["success"] is True
    assert Path(record["program"]).is_file()


@pytest.mark.django_db(transaction=True)
def test_build_agent_names_every_wrong_field(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("identity: {name: A}\npersonality: {tone: shouting, colour: red}\n")
    with pytest.raises(CommandError) as failure:
        _run("build_agent", file, "--out", tmp_path / "out")
    for path in ("identity.name", "personality.tone", "personality.colour"):
        assert path in str(failure.value)
    assert not (tmp_path / "out").exists()


def test_a_directory_that_cannot_be_written_is_named_before_anything_is_compiled() -> None:
    with pytest.raises(CommandError, match=r"^/proc/nowhere can't be written to"):
        _run("build_agent", ADA, "--out", "/proc/nowhere")


@pytest.mark.django_db(transaction=True)
def test_demo_ends_with_an_answer(local_model: OpenAIStandIn) -> None:
    output = _run("demo", "--question", "Are you there?")
    assert "You said: Are you there?" in output
    assert "Ask the agent" in output.splitlines()[-1]


@pytest.mark.django_db(transaction=True)
def test_rebuild_is_a_dry_run_by_default(build: Build, agent: AgentConfig) -> None:
    assert "Nothing was started" in _run("rebuild", agent.pk)
    assert "0 to build" in _run("rebuild", "--outdated")
    assert Build.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_rebuild_follows_the_worker(build: Build, agent: AgentConfig, work: Callable[[], None]) -> None:
    BuildTarget.objects.update(input_digest="0" * 64)
    with pytest.raises(CommandError, match="No worker takes builds"):
        _run("rebuild", agent.pk, "--yes")
    with WorkerProcess() as worker:
        worker.wait_until_it_lives()
        output = _run("rebuild", "--outdated", "--yes")
    assert "1 of 1 succeeded." in output
    assert Build.objects.filter(status="succeeded").count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [[], ["12345"]])
def test_rebuild_refuses_what_it_can_not_find(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        _run("rebuild", *arguments)
