"""Build several targets of one agent, and run those for this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.artifacts import storage
from builds.compiler import go_command, targets, toolchain
from builds.compiler.inputs import gather
from builds.models import Build
from builds.reports import transcript
from builds.services import enqueue_build
from configs.models import AgentConfig
from tests.drivers.agent_sources import copy_of_the_sources, count_as_warm
from tests.standins.lambda_runtime import LambdaRuntime
from tests.standins.openai import OpenAIStandIn

pytestmark = pytest.mark.django_db(transaction=True)

TARGETS = ["linux-amd64", "darwin-arm64", "windows-amd64", "function"]


@pytest.fixture
def several(agent: AgentConfig, alice: User, work: Callable[[], None]) -> Build:
    """Alice's build of several targets; one build, since compiling is slow."""
    build = enqueue_build(agent, alice, TARGETS[::-1])
    work()
    build.refresh_from_db()
    return build


def path_of(build: Build, target: str, name: str, directory: Path) -> Path:
    """Copy a file of a build into a directory, executable."""
    data = storage.path_of(build.artifacts.get(target=target, name=name).sha256).read_bytes()
    path = directory / name
    path.write_bytes(data)
    path.chmod(0o755)
    return path


@pytest.mark.timeout(1200)
def test_each_target_is_built_and_runs_on_its_system(
    several: Build, browser: Client, local_model: OpenAIStandIn, tmp_path: Path
) -> None:
    assert several.status == "succeeded", several.error
    rows = list(several.per_target.all())
    assert [row.target for row in rows] == several.targets == TARGETS
    assert all((row.status, row.exit_code, row.error) == ("succeeded", 0, "") for row in rows)
    assert all(row.steps and row.started_at and row.finished_at for row in rows)
    log = transcript(several)
    sections = {line.get("section") for line in log.lines}
    assert sections >= {targets.get(name).section for name in TARGETS}
    _check_executable(path_of(several, "linux-amd64", "ada", tmp_path), local_model)
    _check_function(path_of(several, "function", "bootstrap", tmp_path), local_model)
    for name, file in (("darwin-arm64", "ada"), ("windows-amd64", "ada.exe")):
        info = _build_info(several, path_of(several, name, file, tmp_path))
        goos, goarch = name.split("-")
        assert (info["GOOS"], info["GOARCH"], info["CGO_ENABLED"]) == (goos, goarch, "0")
    page = browser.get(several.get_absolute_url()).content.decode()
    assert all(f'id="target-{name}"' in page for name in TARGETS)
    assert reverse("builds:file", args=[several.pk, "windows-amd64/ada.exe"]) in page


def _check_executable(program: Path, model: OpenAIStandIn) -> None:
    environment = {"LOCAL_MODEL_URL": model.url}
    completed = subprocess.run(
        [str(program), "--message", "Hello there"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (completed.returncode, completed.stdout) == (0, "You said: Hello there\n"), completed.stderr
    with subprocess.Popen(
        [str(program), "--serve", "127.0.0.1:0"], env=environment, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        url = next(word for word in server.stderr.readline().split() if word.startswith("http://"))
        response = httpx.post(
            f"{url.rstrip('/')}/chat", json={"messages": [{"role": "user", "content": "Served?"}]}
        )
        assert "You said: Served?" in response.text
        server.terminate()
        assert server.wait(60) == 0


def _check_function(bootstrap: Path, model: OpenAIStandIn) -> None:
    """Invoke the function as Netlify does."""
    question = {"messages": [{"role": "user", "content": "Hello function"}]}
    with LambdaRuntime() as platform:
        environment = {"LOCAL_MODEL_URL": model.url, "AWS_LAMBDA_RUNTIME_API": platform.address}
        with subprocess.Popen([str(bootstrap)], env=environment, stderr=subprocess.DEVNULL) as function:
            try:
                own = platform.invoke("/.netlify/functions/agent/chat", question)
                openai = platform.invoke("/v1/chat/completions", question)
            finally:
                function.terminate()
    assert own["statusCode"] == openai["statusCode"] == 200
    events = [json.loads(line[6:]) for line in own["body"].splitlines() if line.startswith("data: ")]
    assert (events[-1]["type"], events[-1]["text"]) == ("done", "You said: Hello function")
    assert json.loads(openai["body"])["choices"][0]["message"]["content"] == "You said: Hello function"


def _build_info(build: Build, program: Path) -> dict[str, Any]:
    chain = gather(build.revision.canonical_json).toolchain
    completed = subprocess.run(
        [chain.go_command, "version", "-m", "-json", str(program)],
        env=chain.environment(cache=go_command.cache_directory(), home=program.parent),
        capture_output=True,
        check=True,
    )
    return {each["Key"]: each["Value"] for each in json.loads(completed.stdout)["Settings"]}


@pytest.mark.timeout(1200)
def test_a_failing_target_hides_no_other(
    agent: AgentConfig, alice: User, browser: Client, work: Callable[[], None], tmp_path: Path,
    settings: Settings,
) -> None:  # fmt: skip
    settings.AGENTFORGE_AGENT_SOURCES = copy = copy_of_the_sources(tmp_path / "agent")
    with (copy / "function" / "gateway.go").open("a") as file:
        file.write("\nvar forgotten int = undefinedName\n")
    for name in ("linux-amd64", "function"):
        count_as_warm(name)
    build = enqueue_build(agent, alice, ["linux-amd64", "function"])
    work()
    build.refresh_from_db()
    assert {row.target: row.status for row in build.per_target.all()} == {
        "linux-amd64": "succeeded",
        "function": "failed",
    }
    assert build.status == "failed"
    assert "function: " in build.error
    assert "undefined: undefinedName" in build.error
    assert set(build.artifacts.values_list("target", flat=True)) == {"linux-amd64"}
    page = browser.get(build.get_absolute_url()).content.decode()
    assert "undefined: undefinedName" in page
    url = reverse("builds:file", args=[build.pk, "linux-amd64/ada"])
    assert url in page
    assert b"".join(browser.get(url)).startswith(b"\x7fELF")


@pytest.fixture
def no_zig(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hide the optional package that links for other machines."""
    monkeypatch.setitem(sys.modules, "ziglang", None)
    toolchain.find.cache_clear()
    yield
    toolchain.find.cache_clear()


def test_a_target_without_its_toolchain_is_refused_with_a_reason(
    agent: AgentConfig, browser: Client, no_zig: None
) -> None:
    why = targets.refusal(targets.get(targets.PLUGIN_ARM64))
    assert why
    page = browser.get(reverse("builds:agent", args=[agent.pk])).content.decode()
    assert why in page
    url = reverse("builds:compile", args=[agent.pk])
    refused = browser.post(url, {"targets": [targets.PLUGIN_ARM64]})
    assert (refused.status_code, Build.objects.count()) == (422, 0)
    answer = _ask(browser, url, targets.PLUGIN_ARM64)
    assert answer["errors"]["targets"] == [f"plugin-linux-arm64: {why}"]
    assert "targets" in _ask(browser, url, "plan9-amd64")["errors"]


def test_a_script_chooses_targets(agent: AgentConfig, browser: Client) -> None:
    url = reverse("builds:compile", args=[agent.pk])
    build = _ask(browser, url, "function", "plugin")["build"]
    assert [row["target"] for row in build["targets"]] == ["plugin", "function"]
    assert [row["target"] for row in _ask(browser, url)["build"]["targets"]] == ["plugin"]


def _ask(browser: Client, url: str, *names: str) -> dict[str, Any]:
    answer = browser.post(
        url,
        {"targets": list(names)} if names else {},
        content_type="application/json",
        headers={"accept": "application/json"},
    )
    content: dict[str, Any] = answer.json()
    return content
