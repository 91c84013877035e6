"""A real agent on an own server: compiled, deployed, unpacked elsewhere, started and asked."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from dockerfile_parse import DockerfileParser

from agentforge.accounts.models import User
from builds.services import enqueue_build
from configs.models import AgentConfig
from deployments import services
from deployments.hosts.registry import SELF_HOST
from deployments.sites import lifecycle
from tests.deployments.deployment_jobs import run_jobs
from tests.drivers.forge import ROOT
from tests.drivers.ports import free_port
from tests.standins.openai import OpenAIStandIn

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1200)]
PASSWORD = "open sesame"
ANALYZE = shutil.which("systemd-analyze")
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]


@pytest.fixture
def unpacked(
    agent: AgentConfig,
    alice: User,
    model: OpenAIStandIn,
    settings: LazySettings,
    tmp_path: Path,
    client_of: Callable[[User], Client],
) -> Path:
    """The archive of a deployment, as its owner downloads and unpacks it."""
    settings.AGENTFORGE_SITES_DIR = tmp_path / "sites"
    site = lifecycle.create_site(agent, "ada", "", alice, host=SELF_HOST)
    lifecycle.change(site, lifecycle.Settings(access="password", greeting="Good day."), alice)
    build = enqueue_build(agent, alice, [f"linux-{ARCH}"])
    run_jobs("builds")
    build.refresh_from_db()
    assert build.status == "succeeded", build.error
    deployment = services.enqueue(site, build, alice)
    run_jobs("deployments")
    deployment.refresh_from_db()
    assert (deployment.status, deployment.error) == ("succeeded", "")
    packed = tmp_path / "ada.tar.gz"
    answer = client_of(alice).get(reverse("deployments:archive", args=[deployment.pk]))
    packed.write_bytes(b"".join(answer))
    subprocess.run(["/bin/tar", "-xzf", packed, "-C", tmp_path], check=True)
    return tmp_path / "ada"


def prepare(tree: Path) -> str:
    """Run what makes agent.env, and return what it says."""
    command = [tree / "bin/prepare"]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd="/").stdout


def variables(tree: Path) -> dict[str, str]:
    """Return the variables of a prepared site with the empty values filled in."""
    prepare(tree)
    lines = (tree / "agent.env").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {**values, "AGENT_PASSWORD": PASSWORD}


def test_the_variables_are_prepared_once_with_a_secret_of_their_own(unpacked: Path) -> None:
    assert prepare(unpacked).rstrip() == "agent.env is made. Fill in: AGENT_PASSWORD"
    made = unpacked / "agent.env"
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    text = made.read_text()
    assert re.search(r"^AGENT_STATE_KEY=[0-9a-f]{64}$", text, re.MULTILINE)
    assert "AGENT_STATE_KEY=\n" in (unpacked / "agent.env.example").read_text()
    assert "already" in prepare(unpacked)
    assert made.read_text() == text


@contextmanager
def running(command: list[str | Path], environment: dict[str, str], url: str) -> Iterator[None]:
    """Run a server during the block, and check that it stops on SIGTERM."""
    env = {"PATH": os.environ["PATH"], **environment}
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            line = server.stderr.readline()
            assert re.search(r"listens on http://", line), line + server.stderr.read()
            assert httpx.get(f"{url}/healthz").status_code == 200
            yield
        finally:
            # In a sandbox, the server is the innermost process.
            below = psutil.Process(server.pid).children(recursive=True)
            (below[-1] if below else server).terminate()
        assert server.wait(60) == 0


def ask(url: str, message: str, **headers: str) -> httpx.Response:
    return httpx.post(f"{url}/api/ask", json={"message": message}, headers=headers, timeout=60)


def test_unpacked_and_started_it_answers(unpacked: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command: list[str | Path] = [unpacked / "bin/agent", "--serve", str(port), "--site", unpacked / "public"]
    with running(command, {**variables(unpacked), "AGENT_ACCESS": "password"}, url):
        page = httpx.get(url)
        assert "Good day." in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert httpx.get(f"{url}/agentforge.json").json()["revision"] == 1
        assert httpx.get(f"{url}/_headers").status_code == 404
        assert ask(url, "hello").status_code == 401
        assert ask(url, "hello", Authorization=f"Bearer {PASSWORD}").json()["text"] == "You said: hello"
        assert ask(url, "hello", Authorization="Bearer wrong").status_code == 401


@pytest.mark.browser
@pytest.mark.skipif(os.environ.get("BROWSER") == "0", reason="BROWSER=0 leaves the browser tests out")
def test_its_page_works_in_a_browser(unpacked: Path) -> None:
    port = free_port()
    url = f"http://localhost:{port}"
    command: list[str | Path] = [unpacked / "bin/agent", "--serve", str(port), "--site", unpacked / "public"]
    with running(command, {**variables(unpacked), "AGENT_ACCESS": "password"}, url):
        script = [sys.executable, "-m", "tests.deployments.bundle.site_visit", url, PASSWORD, "hello"]
        done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"messages": ["Good day.", "hello", "You said: hello"], "problems": []}


def test_the_dockerfile_makes_a_system_in_which_it_runs(unpacked: Path, tmp_path: Path) -> None:
    """Follow the Dockerfile by hand, and run the resulting system in a sandbox instead of Docker."""
    image = tmp_path / "image"
    image.mkdir()
    steps = DockerfileParser(str(unpacked), build_args={"TARGETARCH": ARCH}).structure
    values = {step["instruction"]: step["value"] for step in steps}
    for step in steps:
        if step["instruction"] == "COPY":
            flags = [word for word in step["value"].split() if word.startswith("--")]
            source, target = (word for word in step["value"].split() if word not in flags)
            _copy(unpacked / source.replace("${TARGETARCH}", ARCH), image / target.lstrip("/"), flags)
    name, _, access = values["ENV"].partition("=")
    uid, _, gid = values["USER"].partition(":")
    port = free_port()
    entry = [word.replace(values["EXPOSE"], str(port)) for word in json.loads(values["ENTRYPOINT"])]
    inside: list[str | Path] = [
        "bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--uid", uid, "--gid", gid,
        "--ro-bind", image, "/", "--die-with-parent", *entry,
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    with running(inside, {**variables(unpacked), name: access}, url):
        assert "Good day." in httpx.get(url).text
        assert ask(url, "hello", Authorization=f"Bearer {PASSWORD}").json()["text"] == "You said: hello"


def _copy(source: Path, target: Path, flags: list[str]) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
        return
    shutil.copyfile(source, target)
    for flag in flags:
        name, _, value = flag.partition("=")
        assert name == "--chmod"
        target.chmod(int(value, 8))


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is missing")
def test_systemd_takes_the_unit(unpacked: Path) -> None:
    unit = unpacked / "agent.service"
    text = unit.read_text().replace("/opt/agent", str(unpacked))
    assert "Environment=AGENT_ACCESS=password" in text
    unit.write_text(text)
    check = [str(ANALYZE), "verify", str(unit)]
    checked = subprocess.run(check, capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    unit.write_text(text.replace("Restart=", "Restarts="))
    assert "Unknown key" in subprocess.run(check, capture_output=True, text=True).stderr
